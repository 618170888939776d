-- The connections of an agent to a venue are still open, also those that Redis had forgotten.
-- KEYS: 1 sorted set of places, as in takeVenueTurn
-- ARGV: 1 how long a place lasts, ms  2... members
-- @include nowMs
local endsAt = nowMs() + ARGV[1]
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], endsAt, ARGV[index]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
