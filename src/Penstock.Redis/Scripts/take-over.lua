-- Returns the new writer's number, epoch and next offset; nothing when there is nothing to take over.
local meta = load()
if not meta or meta.shared or meta.closed or isOver(meta, tonumber(ARGV[1])) then return {} end
return {tonumber(meta.number), redis.call('HINCRBY', metaKey, 'epoch', 1), tonumber(meta.next)}
