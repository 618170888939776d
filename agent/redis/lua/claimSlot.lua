-- Claims a slot of a schedule for the scheduler that holds the lease, once, and accounts for the
-- slots before it that are not enqueued, in the same step.
-- A claim is pending until it is confirmed: a scheduler that died in between left it to its successor.
-- KEYS[1] hash of the scheduler's lease   KEYS[2] hash of the schedule
-- KEYS[3] stream of decisions   KEYS[4] list of the schedule's last slots
-- ARGV[1] fencing token of the scheduler   ARGV[2] the schedule's rule
-- ARGV[3] last slot that was read, in ms   ARGV[4] revision of what people asked for that was read, or ''
-- ARGV[5] slot in ms   ARGV[6] 'pending', or 'done' when it is not enqueued   ARGV[7] host:pid
-- ARGV[8] slots that were missed, to be counted   ARGV[9] interval from now on in ms, or '' to keep it
-- ARGV[10] most decisions to keep   ARGV[11] most last slots to keep
-- ARGV[12..] for each stretch of slots that is not enqueued: its decision, its line in the list; as JSON
-- Returns 'claimed', 'lease_lost', or 'changed': another wrote it since it was read
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'lease_lost' end
local known = redis.call('HMGET', KEYS[2], 'rule', 'slot', 'rev')
if known[1] ~= ARGV[2] or known[2] ~= ARGV[3] or (known[3] or '') ~= ARGV[4] then
  return 'changed'
end
local skipSlot = tonumber(redis.call('HGET', KEYS[2], 'skipSlot') or '')
if skipSlot and skipSlot <= tonumber(ARGV[5]) then redis.call('HDEL', KEYS[2], 'skipSlot') end
redis.call('HDEL', KEYS[2], 'heldFrom', 'heldUntil')
redis.call('HSET', KEYS[2], 'slot', ARGV[5], 'state', ARGV[6], 'fence', ARGV[1])
if ARGV[6] == 'done' then redis.call('HSET', KEYS[2], 'outcome', 'skipped', 'by', ARGV[7]) end
if ARGV[8] ~= '0' then redis.call('HINCRBY', KEYS[2], 'missed', ARGV[8]) end
if ARGV[9] ~= '' then redis.call('HSET', KEYS[2], 'interval', ARGV[9]) end
for at = 12, #ARGV, 2 do
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[10], '*', 'decision', ARGV[at])
  redis.call('LPUSH', KEYS[4], ARGV[at + 1])
end
redis.call('LTRIM', KEYS[4], 0, ARGV[11] - 1)
return 'claimed'
