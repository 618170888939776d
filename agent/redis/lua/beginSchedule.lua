-- Notes a schedule that is new, or whose rule is: it begins with the slot after this one. What was
-- known of its old slots is forgotten; a pause stays.
-- KEYS[1] hash of the scheduler's lease   KEYS[2] hash of the schedule   KEYS[3] list of its last slots
-- KEYS[4] stream of decisions
-- ARGV[1] fencing token of the scheduler   ARGV[2] rule that was read, or ''   ARGV[3] its rule now
-- ARGV[4] slot in ms   ARGV[5] interval in ms, or '' when it has a fixed one
-- ARGV[6] most decisions to keep   ARGV[7] '', or the decision about a slot of the old rule that was
-- claimed and not enqueued, as JSON
-- Returns 'claimed', 'lease_lost', or 'changed': another wrote it since it was read
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'lease_lost' end
if (redis.call('HGET', KEYS[2], 'rule') or '') ~= ARGV[2] then return 'changed' end
redis.call('HDEL', KEYS[2], 'outcome', 'by', 'enqueued', '', 'skipSlot', 'heldFrom', 'heldUntil',
  'missed', 'interval')
redis.call('HSET', KEYS[2], 'slot', ARGV[4], 'state', 'done', 'rule', ARGV[3], 'fence', ARGV[1])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], 'interval', ARGV[5]) end
redis.call('DEL', KEYS[3])
if ARGV[7] ~= '' then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'decision', ARGV[7])
end
return 'claimed'
