-- What the scripts of limits share. An account's keys: its state (a hash: what is held in all, what was spent), the requests and the
-- tokens of the last minute by second, its reservations by when they lapse, and what each of them holds: tokens, money, tokens counted.
-- The names share a hash tag, the owner's, so a cluster keeps them together. Times are Unix milliseconds, by Redis' own clock: those of
-- nodes differ, and at midnight one that lags would begin the day before anew.
-- First come the time if it is another, after how long what is touched lapses, and the generation; last each account's limits, 0 for none.
local now, lease, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local second = math.floor(now / 1000)

-- The date: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
local function date()
  local z = math.floor(now / 86400000) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  return yoe + era * 400 + (month <= 2 and 1 or 0), month, doy - math.floor((153 * mp + 2) / 5) + 1
end

local year, monthOfYear, dayOfMonth = date()
local month = string.format('%04d-%02d', year, monthOfYear)
local day = string.format('%s-%02d', month, dayOfMonth)
local limits = {none = 0, requests = 1, streams = 2, tokens = 3, day = 4, month = 5}
local accounts = {}
for i = 1, #KEYS / 5 do
  local k, a = (i - 1) * 5, #ARGV - #KEYS + (i - 1) * 5
  accounts[i] = {
    state = KEYS[k + 1], requests = KEYS[k + 2], tokens = KEYS[k + 3], open = KEYS[k + 4], held = KEYS[k + 5],
    rpm = tonumber(ARGV[a + 1]), tpm = tonumber(ARGV[a + 2]), streams = tonumber(ARGV[a + 3]), dayBudget = tonumber(ARGV[a + 4]), monthBudget = tonumber(ARGV[a + 5])
  }
end

local function whole(number) return string.format('%.0f', number) end

local function readHeld(account, of)
  local text = redis.call('HGET', account.held, of)
  if not text then return nil end
  local tokens, money, counted = string.match(text, '(%d+) (%d+) (%d+)')
  return {tokens = tonumber(tokens), money = tonumber(money), counted = tonumber(counted)}
end

local function release(account, of)
  local held = readHeld(account, of)
  redis.call('ZREM', account.open, of)
  if not held then return end
  redis.call('HDEL', account.held, of)
  account.heldTokens, account.heldMoney = account.heldTokens - held.tokens, account.heldMoney - held.money
end

local function hold(account, tokens, money, counted)
  release(account, id)
  redis.call('HSET', account.held, id, whole(tokens) .. ' ' .. whole(money) .. ' ' .. whole(counted))
  redis.call('ZADD', account.open, whole(now + lease), id)
  account.heldTokens, account.heldMoney = account.heldTokens + tokens, account.heldMoney + money
end

-- The seconds of the last minute, the oldest first, and their sum; what is over is forgotten.
local function minute(key)
  local all, sum, parts = redis.call('HGETALL', key), 0, {}
  for i = 1, #all, 2 do
    local at, used = tonumber(all[i]), tonumber(all[i + 1])
    if at <= second - 61 then redis.call('HDEL', key, all[i])
    else
      sum = sum + used
      parts[#parts + 1] = {at, used}
    end
  end
  table.sort(parts, function(one, other) return one[1] < other[1] end)
  return sum, parts
end

local function add(key, amount)
  if amount == 0 then return end
  redis.call('HINCRBY', key, whole(second), whole(amount))
  redis.call('PEXPIRE', key, 120000)
end

-- What was counted last goes first.
local function takeBack(key, amount)
  local _, parts = minute(key)
  for i = #parts, 1, -1 do
    local back = math.min(parts[i][2], amount)
    if back > 0 then redis.call('HINCRBY', key, whole(parts[i][1]), whole(-back)) end
    amount = amount - back
  end
end

local function untilOver(parts, amount)
  for _, part in ipairs(parts) do
    amount = amount - part[2]
    if amount <= 0 then return (part[1] + 61) * 1000 - now end
  end
  return 1000
end

local function untilEmpty(parts)
  for i = #parts, 1, -1 do
    if parts[i][2] > 0 then return (parts[i][1] + 61) * 1000 - now end
  end
  return 0
end

local function load(account)
  local state = redis.call('HMGET', account.state, 'tokens', 'money', 'day', 'today', 'month', 'thisMonth')
  account.heldTokens, account.heldMoney = tonumber(state[1] or 0), tonumber(state[2] or 0)
  account.today = state[3] == day and tonumber(state[4]) or 0
  account.thisMonth = state[5] == month and tonumber(state[6]) or 0
  local lapsed = redis.call('ZRANGEBYSCORE', account.open, '-inf', whole(now), 'LIMIT', 0, 1000)
  for _, of in ipairs(lapsed) do release(account, of) end
  -- At once: not all that load an account save it, and what is gone here nobody takes off any more.
  if #lapsed > 0 then redis.call('HSET', account.state, 'tokens', whole(account.heldTokens), 'money', whole(account.heldMoney)) end
  account.running = redis.call('ZCARD', account.open)
  if account.running == 0 then account.heldTokens, account.heldMoney = 0, 0 end
end

local function save(account)
  redis.call('HSET', account.state, 'tokens', whole(account.heldTokens), 'money', whole(account.heldMoney),
    'day', day, 'today', whole(account.today), 'month', month, 'thisMonth', whole(account.thisMonth))
  redis.call('PEXPIRE', account.state, 3456000000) -- longer than a month
  redis.call('PEXPIRE', account.open, 7200000) -- longer than any lease
  redis.call('PEXPIRE', account.held, 7200000)
end

-- How many of some tokens there is room for beside others, and which limit allows no more.
local function room(account, wanted, tokenMoney, tokens, money)
  local by = limits.none
  local function atMost(most, limit)
    if most < wanted then wanted, by = math.max(0, most), limit end
  end
  if account.tpm > 0 then atMost(account.tpm - minute(account.tokens) - account.heldTokens - tokens, limits.tokens) end
  if tokenMoney > 0 then
    if account.dayBudget > 0 then atMost(math.floor((account.dayBudget - account.today - account.heldMoney - money) / tokenMoney), limits.day) end
    if account.monthBudget > 0 then atMost(math.floor((account.monthBudget - account.thisMonth - account.heldMoney - money) / tokenMoney), limits.month) end
  end
  return wanted, by
end

for _, account in ipairs(accounts) do load(account) end
