-- What all scripts share. A stream's keys: its meta hash, its events (a Redis Stream), and of a shared one its producers,
-- the order in which they appended, and its forks. The names share a hash tag, so a cluster keeps them together.
-- Times are Unix milliseconds by the caller's clock.
local metaKey, eventsKey, producersKey, orderKey, forksKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

-- Events of more bytes are not published, but only that they are there: whoever wants them reads them.
local maxPublished = 65536

local fields = {'number', 'created', 'shared', 'epoch', 'first', 'next', 'bytes', 'closed', 'retention', 'ttl', 'used', 'end', 'source', 'fork', 'whole', 'gone', 'last', 'sequence', 'recent'}

-- Some of them, the number first, where that is done for each token: all cost Redis an eighth more.
local function load(some)
  some = some or fields
  local values = redis.call('HMGET', metaKey, unpack(some))
  if not values[1] then return nil end
  local meta = {}
  for i, field in ipairs(some) do meta[field] = values[i] end
  return meta
end

-- Deleted, or its time is over.
local function isOver(meta, now)
  if meta.gone then return true end
  if meta.shared then
    if meta.ttl then return meta.used + meta.ttl <= now end
    return meta['end'] and tonumber(meta['end']) <= now
  end
  return meta.closed and meta.closed + meta.retention <= now
end

-- Lets what follows through where Redis is full: of a script it refuses only what takes memory before the first write, and this is one
-- that takes none. For the few bytes that give memory back sooner than they take it, such as an ending.
local function makeRoom() redis.call('PERSIST', metaKey) end

local function hasForks() return redis.call('EXISTS', forksKey) == 1 end

local function remove() redis.call('DEL', metaKey, eventsKey, producersKey, orderKey, forksKey) end

-- An event's id says its offset, and when it came. Returns how many there were.
local function put(first, ends, bytes, now)
  local start, count = 1, #ends / 4
  for i = 0, count - 1 do
    local stop = struct.unpack('<I4', ends, i * 4 + 1)
    redis.call('XADD', eventsKey, string.format('%.0f-%.0f', first + i, now), 'd', string.sub(bytes, start, stop))
    start = stop + 1
  end
  return count
end

-- A run of events, as it is published and as it is read: i64 number of the stream, i64 first offset, i64 when it was closed or 0,
-- u32 count, u32 1 if the events follow or 2 if the stream is gone; for each event where it ends as u32; the events.
local function frame(number, first, closed, count, flags, ends, bytes)
  return struct.pack('<i8i8i8I4I4', number, first, closed or 0, count, flags) .. ends .. bytes
end

local function tell(channel, meta, first, closed, ends, bytes)
  if #bytes <= maxPublished then
    redis.call('PUBLISH', channel, frame(meta.number, first, closed, #ends / 4, 1, ends, bytes))
  else
    redis.call('PUBLISH', channel, frame(meta.number, first, closed, #ends / 4, 0, '', ''))
  end
end

local function tellGone(channel, meta)
  redis.call('PUBLISH', channel, frame(meta.number, meta.next, meta.closed, 0, 2, '', ''))
end
