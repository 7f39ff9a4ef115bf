-- By anybody, to a shared stream; AppendLedger says the rules. Returns status (AppendStatus; 8 is full), next offset, closed,
-- the producer's epoch, its last append, bytes held.
local channel, now, closing, producer, epoch, seq = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local sequence, isRetry, token, ends, bytes, maxBytes = ARGV[7], ARGV[8] == '1', ARGV[9], ARGV[10], ARGV[11], tonumber(ARGV[12])
local lastWords, keepBytes, keepFrom, maxProducers = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local hasProducer, hasSequence, count = producer ~= '', sequence ~= '', #ends / 4
producer, sequence = string.sub(producer, 2), string.sub(sequence, 2) -- behind a mark that they are there

local meta = load()
if not meta or not meta.shared or isOver(meta, now) then return {2, 0, 0, 0, -1, 0} end
local next, closed = tonumber(meta.next), meta.closed ~= false
local knownEpoch, knownSeq = 0, -1
if meta.ttl then redis.call('HSET', metaKey, 'used', now) end

local function result(status) return {status, next, closed and 1 or 0, knownEpoch, knownSeq, tonumber(meta.bytes)} end

-- The answer to an append may be lost with its connection; it comes again then, and nothing else may tell it.
if isRetry and meta.recent and string.find(meta.recent, token, 1, true) then
  if hasProducer then knownEpoch, knownSeq = epoch, seq end
  return result(0)
end

-- Redis' Lua compares strings by the locale.
local function isBeyond(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

if hasProducer then
  local known = redis.call('HGET', producersKey, producer)
  if known then
    local space = string.find(known, ' ', 1, true)
    knownEpoch, knownSeq = tonumber(string.sub(known, 1, space - 1)), tonumber(string.sub(known, space + 1))
    if epoch < knownEpoch then return result(4) end
    if epoch == knownEpoch and seq <= knownSeq then return result(1) end
  end
  if not closed then
    local isNewEpoch = known and epoch > knownEpoch
    if isNewEpoch and seq ~= 0 then return result(5) end
    if not isNewEpoch and seq ~= knownSeq + 1 then return result(6) end
  end
end
if closed then return result((closing and not hasProducer and count == 0) and 1 or 3) end
if hasSequence and meta.sequence and not isBeyond(sequence, meta.sequence) then return result(7) end
if meta.bytes + #bytes > maxBytes and not (closing and #bytes <= lastWords) then return result(8) end

local first, held = next, meta.bytes + #bytes
put(first, ends, bytes, now)
next = first + count
redis.call('HSET', metaKey, 'next', next, 'recent', string.sub(token .. (meta.recent or ''), 1, 16 * #token))
if hasSequence then redis.call('HSET', metaKey, 'sequence', sequence) end
if closing then
  closed = true
  redis.call('HSET', metaKey, 'closed', now)
end
if hasProducer then
  knownEpoch, knownSeq = epoch, seq
  redis.call('HSET', producersKey, producer, string.format('%.0f %.0f', epoch, seq))
  redis.call('ZADD', orderKey, next, producer)
  if redis.call('ZCARD', orderKey) > maxProducers then
    redis.call('HDEL', producersKey, redis.call('ZPOPMIN', orderKey)[1])
  end
end

-- What need not be kept goes from the beginning. The newest event stays.
if not meta.whole and (held > keepBytes or keepFrom > 0) and not hasForks() then
  local trimmed
  repeat
    local oldest = redis.call('XRANGE', eventsKey, trimmed or '-', '+', 'COUNT', 32)
    local isDone = #oldest < 2
    for i = 1, #oldest - 1 do
      local size, dash = #oldest[i][2][2], string.find(oldest[i][1], '-', 1, true)
      if held - size < keepBytes and tonumber(string.sub(oldest[i][1], dash + 1)) >= keepFrom then
        isDone = true
        break
      end
      held, trimmed = held - size, oldest[i + 1][1]
    end
  until isDone
  if trimmed then
    redis.call('XTRIM', eventsKey, 'MINID', trimmed)
    redis.call('HSET', metaKey, 'first', string.sub(trimmed, 1, string.find(trimmed, '-', 1, true) - 1))
  end
end
redis.call('HSET', metaKey, 'bytes', held)
tell(channel, meta, first, closing and now, ends, bytes)
return result(0)
