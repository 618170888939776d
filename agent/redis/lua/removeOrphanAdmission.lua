-- Gives a place under `maxConcurrent` free whose job is gone or has ended.
-- KEYS[1] admitted jobs of the type   the others: hash of the job in each queue that it may be in
-- ARGV[1] job id
-- Returns 1, or 0 when the job lives or the place is free already
-- @include jobState
-- @include admission
for index = 2, #KEYS do
  local job = redis.call('HMGET', KEYS[index], 'timestamp', 'finishedOn')
  if job[1] and not job[2] then return 0 end
end
for index = 2, #KEYS do
  if redis.call('EXISTS', KEYS[index]) == 1 then
    return releasePlace(KEYS[1], string.sub(KEYS[index], 1, -1 - #ARGV[1]), ARGV[1])
  end
end
return redis.call('ZREM', KEYS[1], ARGV[1])
