-- Reads many deduplication keys of BullMQ's, with the jobs that have them.
-- KEYS the keys   ARGV[i] '<prefix>:<queue>:' of KEYS[i]
-- Returns for each {PTTL, job id, name, timestamp, finishedOn}, with nil for what is not there
local answer = {}
for index, key in ipairs(KEYS) do
  local id = redis.pcall('GET', key)
  if type(id) ~= 'string' then
    answer[index] = {-2, false, false, false, false}
  else
    local job = redis.pcall('HMGET', ARGV[index] .. id, 'name', 'timestamp', 'finishedOn')
    if job.err then job = {false, false, false} end
    answer[index] = {redis.call('PTTL', key), id, job[1], job[2], job[3]}
  end
end
return answer
