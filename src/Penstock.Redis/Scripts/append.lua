-- By the one writer of a stream. Returns what became of it: 0 stored, 1 gone, 2 fenced (by which epoch), 3 closed, 4 full
-- (how many bytes it holds), 5 not the next offset (which is).
local channel, now, number, epoch, first, closing = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local isRetry, ends, bytes, maxBytes, lastWords = ARGV[7] == '1', ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local meta = load({'number', 'epoch', 'next', 'bytes', 'closed', 'retention', 'gone', 'last'})
if not meta or meta.number ~= number or isOver(meta, now) then return {1, 0} end
if epoch < tonumber(meta.epoch) then return {2, tonumber(meta.epoch)} end
local next, count = tonumber(meta.next), #ends / 4
-- The answer to an append may be lost with its connection; it comes again then.
if isRetry and next == first + count and tonumber(meta.last or -1) == first and (meta.closed ~= false) == closing then return {0, 0} end
if meta.closed then return {3, 0} end
if next ~= first then return {5, next} end
if meta.bytes + #bytes > maxBytes and not (closing and #bytes <= lastWords) then return {4, tonumber(meta.bytes)} end

if closing then makeRoom() end
put(first, ends, bytes, now)
redis.call('HSET', metaKey, 'next', first + count, 'bytes', meta.bytes + #bytes, 'last', first)
if closing then
  redis.call('HSET', metaKey, 'closed', now)
  local life = tonumber(meta.retention) + 60000 -- the caller's clock decides; this gives the memory back when nobody asks
  if life < 1e14 then
    redis.call('PEXPIRE', metaKey, life)
    redis.call('PEXPIRE', eventsKey, life)
  end
end
tell(channel, meta, first, closing and now, ends, bytes)
return {0, 0}
