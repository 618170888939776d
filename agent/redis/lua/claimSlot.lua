-- Claims a due slot of a schedule for the scheduler that holds the lease, once.
-- A claim is pending until it is confirmed: a scheduler that died in between left it to its successor.
-- KEYS[1] hash of the scheduler's lease   KEYS[2] hash of the schedule
-- ARGV[1] fencing token of the scheduler   ARGV[2] slot in ms   ARGV[3] the schedule's rule
-- Returns 'claimed', 'taken', 'pending' (claimed before, not confirmed), 'lease_lost', or 'begun': the
-- schedule is new, or its rule is; it begins with the slot after this one
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return 'lease_lost'
end
local known = redis.call('HMGET', KEYS[2], 'slot', 'state', 'rule')
if known[3] ~= ARGV[3] then
  redis.call('HSET', KEYS[2], 'slot', ARGV[2], 'state', 'done', 'rule', ARGV[3], 'fence', ARGV[1])
  redis.call('HDEL', KEYS[2], 'outcome', 'by')
  return 'begun'
end
if known[1] and tonumber(known[1]) >= tonumber(ARGV[2]) then
  if known[1] == ARGV[2] and known[2] == 'pending' then return 'pending' end
  return 'taken'
end
redis.call('HSET', KEYS[2], 'slot', ARGV[2], 'state', 'pending', 'fence', ARGV[1])
return 'claimed'
