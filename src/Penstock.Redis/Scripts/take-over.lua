-- Tells the writer before, on ARGV[2]. Returns the new writer's number, epoch and next offset; nothing when there is nothing to take over.
local meta = load()
if not meta or meta.shared or meta.closed or isOver(meta, tonumber(ARGV[1])) then return {} end
local epoch = redis.call('HINCRBY', metaKey, 'epoch', 1)
redis.call('PUBLISH', ARGV[2], epoch)
return {tonumber(meta.number), epoch, tonumber(meta.next)}
