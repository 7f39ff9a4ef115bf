-- A fork needs this stream no more. Returns this one's own source and number when that was the last, and this one was only kept for it.
local now, fork = tonumber(ARGV[1]), ARGV[2]
redis.call('SREM', forksKey, fork)
local meta = load()
if not meta or not isOver(meta, now) or hasForks() then return {} end
remove()
return meta.source and {meta.source, meta.number} or {}
