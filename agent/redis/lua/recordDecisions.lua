-- Records decisions that were taken since the last time: an entry for each, one call for all.
-- KEYS[1] stream of decisions
-- ARGV[1] most decisions to keep   ARGV[2] the decisions as JSON, oldest first, one in each line
-- Returns how many were recorded
local count = 0
for decision in string.gmatch(ARGV[2], '[^\n]+') do
  redis.call('XADD', KEYS[1], '*', 'decision', decision)
  count = count + 1
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
return count
