-- By who has put a generation where it may wait for long. What is gone already has run since, and is not to come back.
for _, account in ipairs(accounts) do
  if redis.call('ZSCORE', account.open, id) then redis.call('ZADD', account.open, whole(now + lease), id) end
end
return {0}
