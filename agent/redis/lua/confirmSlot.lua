-- Writes down what a claimed slot came to.
-- KEYS[1] hash of the scheduler's lease   KEYS[2] hash of the schedule
-- ARGV[1] fencing token of the scheduler   ARGV[2] slot in ms   ARGV[3] outcome   ARGV[4] host:pid
-- Returns 1, or 0 when the lease or the slot is another's by now
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return 0
end
if redis.call('HGET', KEYS[2], 'slot') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[2], 'state', 'done', 'outcome', ARGV[3], 'by', ARGV[4])
return 1
