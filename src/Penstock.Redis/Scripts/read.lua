-- What is known of a stream, and a run of its events from an offset on (-1 for none) to before another. Returns whether it lives
-- (0 no, 1 yes, 2 only for its forks; {0, 1} if it is there and its time is over), the fields, and the run.
local now, from, to, maxBytes, isUse, withMetadata = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1', ARGV[6] == '1'
local meta = load()
if not meta then return {0} end
local state = 1
if isOver(meta, now) then
  if not hasForks() then return {0, 1} end
  state = 2
elseif isUse and meta.ttl then
  redis.call('HSET', metaKey, 'used', now)
  meta.used = now
end

local run = ''
local own = tonumber(meta.fork or 0)
if from >= own and from >= tonumber(meta.first) and from < math.min(to, tonumber(meta.next)) then
  local offset, size, ends, parts = from, 0, {}, {}
  while offset < math.min(to, tonumber(meta.next)) and size < maxBytes do
    local count = math.min(16, to - offset)
    local entries = redis.call('XRANGE', eventsKey, string.format('%.0f', offset), '+', 'COUNT', count)
    if #entries == 0 then break end
    for i = 1, #entries do
      local data = entries[i][2][2]
      if #parts > 0 and size + #data > maxBytes then
        size = maxBytes
        break
      end
      size = size + #data
      parts[#parts + 1], ends[#ends + 1] = data, struct.pack('<I4', size)
      offset = offset + 1
    end
  end
  if #parts > 0 then run = frame(meta.number, from, meta.closed, #parts, 1, table.concat(ends), table.concat(parts)) end
end

return {
  state, meta.number, meta.created, meta.shared, meta.epoch, meta.first, meta.next, meta.closed, meta.retention, meta.ttl, meta.used, meta['end'],
  meta.source, meta.fork, withMetadata and redis.call('HGET', metaKey, 'metadata') or false, run, meta.bytes,
}
