-- Pauses a schedule: from then on no slot of it is claimed. Every scheduler sees it.
-- KEYS[1] hash of the schedule   KEYS[2] stream of decisions
-- ARGV[1] who asked   ARGV[2] most decisions to keep
-- ARGV[3] decision when it is paused by this, as JSON   ARGV[4] decision when it was paused before
-- Returns {'decided', entry id, decision}
-- @include nowMs
local decision = ARGV[4]
if redis.call('HEXISTS', KEYS[1], 'pausedAt') == 0 then
  decision = ARGV[3]
  redis.call('HSET', KEYS[1], 'pausedAt', nowMs(), 'pausedBy', ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
end
local entry = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'decision', decision)
return {'decided', entry, decision}
