-- Reads BullMQ's job schedulers of one queue, each with the job of its slot: in one step, because in
-- between a worker may take that job, which makes the next one.
-- KEYS[1] '<prefix>:<queue>:repeat', a sorted set: ids, score = the slot whose job was made last
-- ARGV[1] most to read
-- Returns {now in ms, then for each {id, slot in ms, name, pattern, every, tz, limit, endDate, ic,
--   timestamp of the job, finishedOn of the job}}, with nil for what is not there
-- @include nowMs
local function fields(key, ...)
  local values = redis.pcall('HMGET', key, ...)
  return values.err and {} or values
end

local answer = {nowMs()}
local ids = redis.pcall('ZRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1, 'WITHSCORES')
if ids.err then return answer end
for index = 1, #ids, 2 do
  local id, slot = ids[index], ids[index + 1]
  local key = KEYS[1] .. ':' .. id
  local rule = fields(key, 'name', 'pattern', 'every', 'tz', 'limit', 'endDate', 'ic')
  local job = fields(key .. ':' .. slot, 'timestamp', 'finishedOn')
  answer[#answer + 1] = {
    id, slot, rule[1] or false, rule[2] or false, rule[3] or false, rule[4] or false, rule[5] or false,
    rule[6] or false, rule[7] or false, job[1] or false, job[2] or false,
  }
end
return answer
