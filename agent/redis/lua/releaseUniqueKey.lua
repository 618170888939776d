-- Frees a deduplication key of BullMQ's.
-- KEYS[1] the key   KEYS[2] hash of the job that has it
-- ARGV[1] id of that job   ARGV[2] '1': only when that job has ended
-- Returns 1, or 0 when another job has it by now, or that one came to life
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '1' then
  local job = redis.call('HMGET', KEYS[2], 'timestamp', 'finishedOn')
  if job[1] and not job[2] then return 0 end
end
redis.call('DEL', KEYS[1])
return 1
