-- The next fencing token: higher than the last one, and than any that a Redis without its data gave.
-- Microseconds, because a type may run more than a thousand times in a second.
local function nextFence(fences, field)
  local last = tonumber(redis.call('HGET', fences, field) or '0') or 0
  local time = redis.call('TIME')
  local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
  redis.call('HSET', fences, field, fence)
  return fence
end
