-- The venue has answered an attempt to connect: it was counted by now, and not later.
-- KEYS: 1 sorted set of turns, as in takeVenueTurn
-- ARGV: 1 member
-- @include nowMs
return redis.call('ZADD', KEYS[1], 'XX', nowMs(), ARGV[1])
