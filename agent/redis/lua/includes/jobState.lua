-- What became of a job of BullMQ: `gone`, `finished`, `active`, `delayed`, `prioritized` or `waiting`.
-- Returns the state, since when in ms, and the name of the worker that took it last.
-- BullMQ writes its delay and priority down with a job: without one, it is not looked for there.
local function jobState(prefix, id)
  local key = prefix .. id
  local job = redis.call('HMGET', key, 'timestamp', 'finishedOn', 'delay', 'priority')
  if not job[1] then return 'gone', nil, nil end
  if job[2] then return 'finished', job[2], redis.call('HGET', key, 'pb') end
  if redis.call('EXISTS', key .. ':lock') == 1 then
    local run = redis.call('HMGET', key, 'processedOn', 'pb')
    return 'active', run[1] or job[1], run[2]
  end
  if job[3] ~= '0' and redis.call('ZSCORE', prefix .. 'delayed', id) then return 'delayed', job[1], nil end
  if job[4] ~= '0' and redis.call('ZSCORE', prefix .. 'prioritized', id) then return 'prioritized', job[1], nil end
  return 'waiting', job[1], nil
end
