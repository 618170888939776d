-- Asks that a slot of a schedule, which is to come, is not enqueued.
-- KEYS[1] hash of the schedule   KEYS[2] stream of decisions
-- ARGV[1] rule that was read   ARGV[2] last slot that was read, in ms   ARGV[3] the slot to skip, in ms
-- ARGV[4] most decisions to keep
-- ARGV[5] decision when it is so by this, as JSON   ARGV[6] decision when the schedule is paused
-- Returns {'decided', entry id, decision}, or 'changed' when the schedule went on since it was read
local known = redis.call('HMGET', KEYS[1], 'rule', 'slot', 'pausedAt')
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then return 'changed' end
local decision = ARGV[6]
if not known[3] then
  decision = ARGV[5]
  redis.call('HSET', KEYS[1], 'skipSlot', ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
end
local entry = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'decision', decision)
return {'decided', entry, decision}
