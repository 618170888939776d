-- Counts the jobs that a drain of a queue would remove: all that wait, but for those that BullMQ's job
-- schedulers made last. BullMQ keeps them, because nothing would go on without them.
-- KEYS: 1 '<prefix>:<queue>:repeat', a sorted set: ids, score = the slot whose job was made last
-- ARGV: 1 '<prefix>:<queue>:'  2 '1' when delayed jobs go as well
-- @include countWaiting
local prefix, withDelayed = ARGV[1], ARGV[2] == '1'

local function isKept(jobId)
  local job = redis.call('HMGET', prefix .. jobId, 'timestamp', 'finishedOn')
  if not job[1] or job[2] then return false end
  if redis.call('ZSCORE', prefix .. 'delayed', jobId) then return withDelayed end
  return not redis.call('LPOS', prefix .. 'active', jobId)
end

local count = countWaiting(prefix, withDelayed)
local ids = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for index = 1, #ids, 2 do
  if isKept('repeat:' .. ids[index] .. ':' .. ids[index + 1]) then count = count - 1 end
end
return count
