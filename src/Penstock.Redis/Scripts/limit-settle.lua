-- By who has ended a generation. What is gone already when this comes again was settled the first time.
local counted, used, money, refused, isRetry = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10] == '1'
for _, account in ipairs(accounts) do
  local held = readHeld(account, id)
  if held or not isRetry then
    local new = used - (held and held.counted or counted)
    release(account, id)
    if account.tpm > 0 then
      if new >= 0 then add(account.tokens, new) else takeBack(account.tokens, -new) end
    end
    if refused and held then takeBack(account.requests, 1) end
    account.today, account.thisMonth = account.today + money, account.thisMonth + money
    save(account)
  end
end
return {0}
