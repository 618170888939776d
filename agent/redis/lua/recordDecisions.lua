-- Records decisions that were taken since the last time: an entry for each, one call for all.
-- KEYS[1] stream of decisions
-- ARGV[1] most decisions to keep   ARGV[2...] the decisions as JSON, oldest first
-- Returns how many were recorded
for i = 2, #ARGV do
  redis.call('XADD', KEYS[1], '*', 'decision', ARGV[i])
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
return #ARGV - 1
