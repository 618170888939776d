-- Writes down what a claimed slot came to.
-- KEYS[1] hash of the scheduler's lease   KEYS[2] hash of the schedule   KEYS[3] list of its last slots
-- ARGV[1] fencing token of the scheduler   ARGV[2] slot in ms   ARGV[3] outcome   ARGV[4] host:pid
-- ARGV[5] its line in the list, as JSON   ARGV[6] most last slots to keep
-- Returns 1, or 0 when the lease or the slot is another's by now, or it is confirmed already
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return 0
end
local known = redis.call('HMGET', KEYS[2], 'slot', 'state')
if known[1] ~= ARGV[2] or known[2] ~= 'pending' then
  return 0
end
redis.call('HSET', KEYS[2], 'state', 'done', 'outcome', ARGV[3], 'by', ARGV[4])
redis.call('LPUSH', KEYS[3], ARGV[5])
redis.call('LTRIM', KEYS[3], 0, ARGV[6] - 1)
return 1
