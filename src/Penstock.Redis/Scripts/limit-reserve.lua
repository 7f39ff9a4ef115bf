-- Returns the limit that does not allow it or 0, whose account's it is, when it may be allowed, how many of the further tokens were
-- reserved, the time; then of each account the requests and tokens of the minute, and when all of them are over.
local opens, tokens, money, more, tokenMoney = ARGV[4] == '1', tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function reply(by, place, after, granted)
  local said = {by, place, after, granted, now}
  for _, account in ipairs(accounts) do
    local requests, requestParts = minute(account.requests)
    local used, tokenParts = minute(account.tokens)
    for _, value in ipairs({requests, untilEmpty(requestParts), used + account.heldTokens, untilEmpty(tokenParts)}) do said[#said + 1] = value end
  end
  return said
end

local function check(account)
  local requests, requestParts = minute(account.requests)
  if account.rpm > 0 and requests + 1 > account.rpm then return limits.requests, untilOver(requestParts, requests + 1 - account.rpm) end
  if not opens then return limits.none, 0 end
  if account.streams > 0 and account.running + 1 > account.streams then return limits.streams, 1000 end
  local used, tokenParts = minute(account.tokens)
  local excess = used + account.heldTokens + tokens - account.tpm
  if account.tpm > 0 and excess > 0 then return limits.tokens, untilOver(tokenParts, excess) end
  if account.dayBudget > 0 and account.today + account.heldMoney + money > account.dayBudget then return limits.day, 0 end
  if account.monthBudget > 0 and account.thisMonth + account.heldMoney + money > account.monthBudget then return limits.month, 0 end
  return limits.none, 0
end

local held = opens and readHeld(accounts[1], id) -- this comes again
if held then return reply(0, 0, 0, math.max(0, held.tokens - tokens)) end
for i, account in ipairs(accounts) do
  local by, after = check(account)
  if by ~= limits.none then return reply(by, i - 1, after, 0) end
end

for _, account in ipairs(accounts) do more = room(account, more, tokenMoney, tokens, money) end
for _, account in ipairs(accounts) do
  if account.rpm > 0 then add(account.requests, 1) end
  if opens then
    hold(account, tokens + more, money + more * tokenMoney, 0)
    save(account)
  end
end
return reply(0, 0, 0, more)
