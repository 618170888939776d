-- Counts the jobs that a drain of a queue would remove: all that wait, but for those that BullMQ's job
-- schedulers made last. BullMQ keeps them, because nothing would go on without them.
-- KEYS, each '<prefix>:<queue>:' and: 1 wait  2 paused  3 prioritized  4 delayed  5 active  6 repeat
-- ARGV: 1 '1' when delayed jobs go as well
local wait, paused, prioritized, delayed, active, schedulers = unpack(KEYS)
local withDelayed = ARGV[1] == '1'

local function isKept(id, slot)
  local job = redis.call('HMGET', schedulers .. ':' .. id .. ':' .. slot, 'timestamp', 'finishedOn')
  if not job[1] or job[2] then return false end
  local jobId = 'repeat:' .. id .. ':' .. slot
  if redis.call('ZSCORE', delayed, jobId) then return withDelayed end
  return not redis.call('LPOS', active, jobId)
end

local count = redis.call('LLEN', wait) + redis.call('LLEN', paused) + redis.call('ZCARD', prioritized)
if withDelayed then count = count + redis.call('ZCARD', delayed) end
local ids = redis.call('ZRANGE', schedulers, 0, -1, 'WITHSCORES')
for index = 1, #ids, 2 do
  if isKept(ids[index], ids[index + 1]) then count = count - 1 end
end
return count
