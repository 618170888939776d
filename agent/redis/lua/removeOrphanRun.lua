-- Removes the note of a run whose job has no lock: it has ended, or was lost.
-- KEYS[1] running jobs of the type   the others: lock of the job in each queue that it may be in
-- ARGV[1] field   ARGV[2] value that was seen in it
-- Returns 1, or 0 when another run has it or the job is locked
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
for index = 2, #KEYS do
  if redis.call('EXISTS', KEYS[index]) == 1 then return 0 end
end
return redis.call('HDEL', KEYS[1], ARGV[1])
