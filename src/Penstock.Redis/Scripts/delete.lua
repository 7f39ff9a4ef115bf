-- Deletes a stream; with ARGV[3] only if its time is over. Returns whether it was there to be deleted; its number, or 0 when nothing
-- was done; and the source of a fork that has gone.
local channel, now, onlyOver, writerChannel = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local meta = load()
if not meta then return {0, 0} end
local over = isOver(meta, now)
if meta.gone or (onlyOver and not over) then return {0, 0} end
local there, number = over and 0 or 1, tonumber(meta.number)
tellGone(channel, meta)
redis.call('PUBLISH', writerChannel, (meta.epoch or 0) + 1)
if hasForks() then
  redis.call('HSET', metaKey, 'gone', 1)
  return {there, number}
end
remove()
return {there, number, meta.source or nil}
