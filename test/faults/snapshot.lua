-- Every job of some queues that has not ended, as they are at one moment.
-- ARGV[1] prefix   ARGV[2...] queues
-- Returns a JSON text for each job: {id, queue, state, type, key}
local jobs = {}
local function add(queue, state, ids)
  for _, id in ipairs(ids) do
    local job = redis.call('HMGET', ARGV[1] .. ':' .. queue .. ':' .. id, 'name', 'data')
    local key = cjson.null
    local readable, data = pcall(cjson.decode, job[2] or '')
    if readable and type(data) == 'table' and data.key then key = data.key end
    table.insert(jobs, cjson.encode({
      id = id, queue = queue, state = state, type = job[1] or '?', key = key }))
  end
end
for i = 2, #ARGV do
  local queue = ARGV[i]
  local base = ARGV[1] .. ':' .. queue .. ':'
  for _, list in ipairs({ 'wait', 'paused', 'active' }) do
    add(queue, list, redis.call('LRANGE', base .. list, 0, -1))
  end
  for _, set in ipairs({ 'delayed', 'prioritized', 'waiting-children' }) do
    add(queue, set, redis.call('ZRANGE', base .. set, 0, -1))
  end
end
return jobs
