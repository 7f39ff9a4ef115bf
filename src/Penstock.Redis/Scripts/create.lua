-- Returns what became of it: 0 created, 1 the path is taken, 2 full. Behind it, the source (path, number) of a fork that was
-- here and whose time was over.
local channel, now, number, shared, ends, bytes, maxBytes, lastWords = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1', ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local closing, first, start = ARGV[9] == '1', ARGV[10], tonumber(ARGV[11])
local old, freed = load(), false
if old then
  if old.number == number then return {0} end -- this comes again
  if not isOver(old, now) or hasForks() then return {1} end
  freed = old.source and {old.source, old.number}
end
if #bytes > maxBytes and not (closing and #bytes <= lastWords) then return {2} end
if old then
  remove()
  tellGone(channel, old)
end

local count = put(start, ends, bytes, now)
redis.call('HSET', metaKey, 'number', number, 'created', now, 'epoch', 1, 'first', first, 'next', start + count, 'bytes', #bytes)
if shared then redis.call('HSET', metaKey, 'shared', 1) end
if closing then redis.call('HSET', metaKey, 'closed', now) end
for i = 12, #ARGV, 2 do redis.call('HSET', metaKey, ARGV[i], ARGV[i + 1]) end
if freed then return {0, freed[1], freed[2]} end
return {0}
