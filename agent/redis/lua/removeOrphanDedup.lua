-- Removes a uniqueness key of BullMQ whose job is gone or has ended.
-- KEYS[1] uniqueness key   KEYS[2] hash of the job
-- ARGV[1] job id that was seen in it
-- Returns 1, or 0 when it is none: another job has it, its job lives, or it is a window
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('PTTL', KEYS[1]) ~= -1 then return 0 end
local job = redis.call('HMGET', KEYS[2], 'timestamp', 'finishedOn')
if job[1] and not job[2] then return 0 end
return redis.call('DEL', KEYS[1])
