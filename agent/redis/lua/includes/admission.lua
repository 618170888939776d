-- Places under `maxConcurrent`: the jobs of a type that are queued or running.

-- Gives a place free. The job that was rescheduled after the one that had it gets it: BullMQ has put
-- that one into the queue, with the uniqueness key, in the step that ended its predecessor.
local function releasePlace(admitted, prefix, id)
  local dedupId = redis.call('HGET', prefix .. id, 'deid')
  local heir = dedupId and redis.call('GET', prefix .. 'de:' .. dedupId)
  if heir and heir ~= id then
    local state = jobState(prefix, heir)
    if state ~= 'gone' and state ~= 'finished' then
      redis.call('ZADD', admitted, 'NX', redis.call('ZSCORE', admitted, id) or 0, heir)
    end
  end
  return redis.call('ZREM', admitted, id)
end

-- Forgets those whose job has ended. Returns how many are left.
local function pruneAdmitted(admitted, prefix)
  for _, id in ipairs(redis.call('ZRANGE', admitted, 0, -1)) do
    local state = jobState(prefix, id)
    if state == 'gone' or state == 'finished' then releasePlace(admitted, prefix, id) end
  end
  return redis.call('ZCARD', admitted)
end

-- Who stands for the others when all places are taken: one that runs, else the one that came first.
local function admittedSurvivor(admitted, prefix)
  local first, firstState, firstSince, firstWorker
  for _, id in ipairs(redis.call('ZRANGE', admitted, 0, 99)) do
    local state, since, worker = jobState(prefix, id)
    if state == 'active' then return id, state, since, worker end
    if not first then first, firstState, firstSince, firstWorker = id, state, since, worker end
  end
  return first, firstState, firstSince, firstWorker
end
