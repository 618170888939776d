-- Moves the end of a lease that is still ours.
-- KEYS[1] hash of the lease
-- ARGV[1] token of the acquisition   ARGV[2] TTL in ms
-- Returns 1, or 0 when the lease is gone or another's
-- @include nowMs
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'renewedAt', nowMs())
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
