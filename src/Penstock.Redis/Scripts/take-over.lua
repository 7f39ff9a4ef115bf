-- Tells the writer before, on ARGV[2]. ARGV[3]: the epoch to take it over from; 0 for any. ARGV[4]: who takes it over, by which a try
-- that is made again is told. Returns the new writer's number, epoch and next offset; nothing when there is nothing to take over.
local meta = load()
if not meta or meta.shared or meta.closed or isOver(meta, tonumber(ARGV[1])) then return {} end
if redis.call('HGET', metaKey, 'taker') == ARGV[4] then return {tonumber(meta.number), tonumber(meta.epoch), tonumber(meta.next)} end
if ARGV[3] ~= '0' and ARGV[3] ~= meta.epoch then return {} end
makeRoom() -- for whoever takes over what a full Redis left open, to end it
redis.call('HSET', metaKey, 'taker', ARGV[4])
local epoch = redis.call('HINCRBY', metaKey, 'epoch', 1)
redis.call('PUBLISH', ARGV[2], epoch)
return {tonumber(meta.number), epoch, tonumber(meta.next)}
