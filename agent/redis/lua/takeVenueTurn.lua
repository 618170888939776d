-- Takes a turn to connect to a venue, if all agents that it counts together have one left.
-- KEYS: 1 sorted set of turns, score = ms at which the venue counted it, or will have at the latest
--   2 sorted set of places (open connections), score = ms at which it ends if it is not renewed
-- ARGV: 1 member: '<agent id>:<number>'  2 most places, '' = any number  3 how long a place lasts, ms
--   4 how long an attempt may be under way, ms  5... pairs: count, and the ms in which it holds
-- Returns {'granted', 0}, {'place', 0}: none is free, or {'rate', ms until there is a turn}
-- @include nowMs
local turns, places = KEYS[1], KEYS[2]
local member, most, lasts, underWay = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = nowMs()

-- What ends later than anything can was written before the clock was set back.
redis.call('ZREMRANGEBYSCORE', turns, '(' .. (now + underWay), '+inf')
redis.call('ZREMRANGEBYSCORE', places, '(' .. (now + lasts), '+inf')
redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
if most and redis.call('ZCARD', places) >= most then return {'place', 0} end

local wait, longest, largest = 0, 0, 0
for index = 5, #ARGV, 2 do
  local count, perMs = tonumber(ARGV[index]), tonumber(ARGV[index + 1])
  local blocking = redis.call('ZREVRANGE', turns, count - 1, count - 1, 'WITHSCORES')[2]
  if blocking then wait = math.max(wait, tonumber(blocking) + perMs - now) end
  longest, largest = math.max(longest, perMs), math.max(largest, count)
end
if wait > 0 then return {'rate', math.ceil(wait)} end

if most then
  redis.call('ZADD', places, now + lasts, member)
  redis.call('PEXPIRE', places, lasts)
end
if longest > 0 then
  redis.call('ZADD', turns, now + underWay, member)
  -- Another agent may know a longer rule than this one.
  redis.call('ZREMRANGEBYRANK', turns, 0, -math.max(largest, 4096) - 1)
  redis.call('PEXPIRE', turns, math.ceil(math.max(longest + underWay, redis.call('PTTL', turns))))
end
return {'granted', 0}
