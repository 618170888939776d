-- The resource of a simulated story: takes a write, unless its fencing token is lower than one it has
-- seen. A user's database does the same with `UPDATE ... WHERE fence <= :fence`.
-- KEYS[1] hash of the resource   KEYS[2] stream of what happened
-- ARGV[1] fencing token, or '' for a writer without one   ARGV[2] number of the run
-- ARGV[3] line to write down when it is accepted   ARGV[4] the same, when a later run has written
-- ARGV[5] line when it is refused
-- Returns 1 when it was accepted, else 0
local fence = tonumber(ARGV[1])
local run = tonumber(ARGV[2])
local seen = redis.call('HMGET', KEYS[1], 'fence', 'run')
if fence and fence < tonumber(seen[1] or '0') then
  redis.call('XADD', KEYS[2], '*', 'line', ARGV[5])
  return 0
end
local newest = tonumber(seen[2] or '0')
if fence then redis.call('HSET', KEYS[1], 'fence', ARGV[1]) end
redis.call('HSET', KEYS[1], 'run', math.max(run, newest))
redis.call('XADD', KEYS[2], '*', 'line', run < newest and ARGV[4] or ARGV[3])
return 1
