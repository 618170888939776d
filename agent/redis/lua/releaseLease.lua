-- Gives back a lease that is still of this acquisition, and tells those who wait for it. Its fencing
-- token stays counted.
-- KEYS[1] hash of the lease
-- KEYS[2] set of lease names
-- KEYS[3] stream of releases
-- ARGV[1] token of the acquisition   ARGV[2] name
-- Returns 1, or 0 when the lease is gone or another's
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 100, '*', 'lease', ARGV[2])
return 1
