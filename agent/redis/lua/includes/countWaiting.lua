-- How many jobs of a queue wait. `prefix` is '<prefix>:<queue>:'.
local function countWaiting(prefix, withDelayed)
  local count = redis.call('LLEN', prefix .. 'wait') + redis.call('LLEN', prefix .. 'paused')
    + redis.call('ZCARD', prefix .. 'prioritized')
  if withDelayed then count = count + redis.call('ZCARD', prefix .. 'delayed') end
  return count
end
