-- By who has ended a generation, or takes that back since somebody else has it. What is gone already when this comes again was settled
-- the first time.
local counted, used, money, refused, isRetry = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1', ARGV[9] == '1'
local takesBack = ARGV[8] == '1'
for _, account in ipairs(accounts) do
  local held = readHeld(account, id)
  if takesBack then
    if not isRetry then
      if account.tpm > 0 then takeBack(account.tokens, math.max(0, used - counted)) end
      account.today, account.thisMonth = math.max(0, account.today - money), math.max(0, account.thisMonth - money)
      save(account)
    end
  elseif held or not isRetry then
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
