-- Of these uniqueness keys of BullMQ: which ones name a job that is gone or has ended. Keys that end by
-- themselves are windows: they have no orphans.
-- KEYS uniqueness keys   ARGV '<prefix>:<queue>:' of each
-- Returns {place in KEYS, job id, 'gone' or 'finished'} for each
local orphans = {}
for index, key in ipairs(KEYS) do
  -- Another program may keep something else under such a name.
  if redis.call('TYPE', key).ok == 'string' and redis.call('PTTL', key) == -1 then
    local id = redis.call('GET', key)
    local job = redis.call('HMGET', ARGV[index] .. id, 'timestamp', 'finishedOn')
    if not job[1] or job[2] then
      orphans[#orphans + 1] = {index, id, job[2] and 'finished' or 'gone'}
    end
  end
end
return orphans
