-- Records runs that ended since the last time, and frees the places of those that ran under a rule:
-- one call for all.
-- KEYS[1] stream of ended runs
-- KEYS[2..] hashes of who runs, one for each job type
-- ARGV[1] most runs to keep
-- ARGV[2] how long to keep a run, ms
-- ARGV[3] a run as a JSON array in each line, in the order of their end; '' keeps none
-- ARGV[4..] for each of KEYS[2..]: how many places, their fields, the value of each for that run
-- Returns how many places were freed
-- @include nowMs
local now = nowMs()
for run in string.gmatch(ARGV[3], '[^\n]+') do
  redis.call('XADD', KEYS[1], '*', 'run', run)
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(0, now - ARGV[2])))
local freed, at = 0, 4
for key = 2, #KEYS do
  local count = tonumber(ARGV[at])
  local fields, ended = {}, {}
  for place = 1, count do fields[place] = ARGV[at + place] end
  local values = redis.call('HMGET', KEYS[key], unpack(fields))
  for place = 1, count do
    -- A job of the same key may run by now: its place is not ours to free.
    if values[place] == ARGV[at + count + place] then table.insert(ended, fields[place]) end
  end
  if #ended > 0 then freed = freed + redis.call('HDEL', KEYS[key], unpack(ended)) end
  at = at + 1 + 2 * count
end
return freed
