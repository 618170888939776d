-- Removes the entry of an agent that is gone, if it has not written it anew meanwhile.
-- KEYS[1] hash of agents
-- ARGV[1] agent id   ARGV[2] entry that was seen
-- Returns 1, or 0 when the entry is another one by now
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
