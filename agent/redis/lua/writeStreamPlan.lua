-- Writes the symbol plan of a stream, if nobody changed it since it was read, and tells every agent.
-- KEYS[1] hash of the plan
-- KEYS[2] stream of what agents ask of each other
-- ARGV[1] revision that was read, 0 = there was none
-- ARGV[2] plan as JSON   ARGV[3] what to tell, as JSON
-- Returns the new revision, or 0 when another was faster
-- @include nowMs
local current = redis.call('HGET', KEYS[1], 'revision') or '0'
if current ~= ARGV[1] then return 0 end
-- Never below Redis' time: a plan that comes after an emptied Redis is newer than any before.
local revision = string.format('%.0f', math.max(tonumber(current) + 1, nowMs()))
redis.call('HSET', KEYS[1], 'revision', revision, 'plan', ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'body', ARGV[3])
return tonumber(revision)
