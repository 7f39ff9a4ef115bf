-- Returns how many more tokens are reserved, and the limit that allowed no more or 0. It may come twice: what was counted stands beside
-- what is held.
local counted, used, more, tokenMoney = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local by = limits.none
for _, account in ipairs(accounts) do
  local held = readHeld(account, id) or {tokens = 0, money = 0, counted = counted} -- it has lapsed
  local new = math.max(0, used - held.counted)
  if account.tpm > 0 then add(account.tokens, new) end
  hold(account, math.max(0, held.tokens - new), held.money, held.counted + new)
end

for _, account in ipairs(accounts) do
  local least, limit = room(account, more, tokenMoney, 0, 0)
  if least < more then more, by = least, limit end
end

for _, account in ipairs(accounts) do
  local held = readHeld(account, id)
  hold(account, held.tokens + more, held.money + more * tokenMoney, held.counted)
  save(account)
end
return {more, by}
