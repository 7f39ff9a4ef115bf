-- A stream is to begin with this one's events up to an offset. Returns the number of this one and its first offset; nothing
-- when that cannot be.
local now, fork, offset = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local meta = load()
if not meta or not meta.shared or isOver(meta, now) or offset > tonumber(meta.next) then return {} end
redis.call('SADD', forksKey, fork)
return {tonumber(meta.number), tonumber(meta.first)}
