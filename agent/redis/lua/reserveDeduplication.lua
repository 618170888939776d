-- Takes a uniqueness key for a job that comes back, before it is put into the queue again.
-- KEYS[1] deduplication key
-- ARGV[1] id of the job that comes back   ARGV[2] id of a holder known to have ended, or ''
-- Returns '' when the key is ours now, else the id of the job that has it
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[2] then
  return holder
end
redis.call('SET', KEYS[1], ARGV[1])
return ''
