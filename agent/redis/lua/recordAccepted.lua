-- Records what was accepted since the last time: an entry for each, one call for all.
-- KEYS[1] stream of decisions
-- ARGV[1] most decisions to keep
-- ARGV[2] a JSON array [at, action, subject, key, jobId] in each line, oldest first
-- Returns how many were recorded
local count = 0
for accepted in string.gmatch(ARGV[2], '[^\n]+') do
  redis.call('XADD', KEYS[1], '*', 'accepted', accepted)
  count = count + 1
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
return count
