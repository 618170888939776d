-- What is known of the jobs of a queue that count as running, the ones that began first in front.
-- KEYS[1] BullMQ's list of active jobs
-- ARGV[1] '<prefix>:<queue>:'   ARGV[2] most jobs to read
-- Returns {id, type, worker, deduplication id, started at ms, attempts made, starts, token of the lock
--   or nil, TTL of the lock in ms} for each
local jobs = {}
local ids = redis.call('LRANGE', KEYS[1], -tonumber(ARGV[2]), -1)
for index = #ids, 1, -1 do
  local key = ARGV[1] .. ids[index]
  local job = redis.call('HMGET', key, 'name', 'pb', 'deid', 'processedOn', 'atm', 'ats')
  local lock = key .. ':lock'
  jobs[#jobs + 1] = {ids[index], job[1], job[2], job[3], job[4], job[5], job[6],
    redis.call('GET', lock), redis.call('PTTL', lock)}
end
return jobs
