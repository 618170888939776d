-- Resumes a schedule: it goes on with the first slot after now. What passed is not caught up; the
-- scheduler accounts for it.
-- KEYS[1] hash of the schedule   KEYS[2] stream of decisions
-- ARGV[1] most decisions to keep
-- ARGV[2] decision when it is resumed by this, as JSON   ARGV[3] decision when it was not paused
-- Returns {'decided', entry id, decision}
-- @include nowMs
local decision = ARGV[3]
local known = redis.call('HMGET', KEYS[1], 'pausedAt', 'heldFrom')
if known[1] then
  decision = ARGV[2]
  -- Of two pauses that no scheduler saw, the first one's begin counts.
  redis.call('HSET', KEYS[1], 'heldFrom', known[2] or known[1], 'heldUntil', nowMs())
  redis.call('HDEL', KEYS[1], 'pausedAt', 'pausedBy')
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
end
local entry = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'decision', decision)
return {'decided', entry, decision}
