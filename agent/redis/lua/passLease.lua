-- Hands a lease over to another agent, which gets the next fencing token, and tells it so.
-- KEYS[1] hash of the lease
-- KEYS[2] hash of the last fencing token of each lease
-- KEYS[3] stream of what agents ask of each other
-- ARGV[1] token of the acquisition that gives it   ARGV[2] name of the lease
-- ARGV[3] token of the one that gets it   ARGV[4] its holder as JSON   ARGV[5] TTL in ms
-- ARGV[6] what to tell it, as JSON without its last brace: fence and time are added
-- Returns {1, fence}, or {0, 0} when the lease is gone or another's
-- @include nowMs
-- @include nextFence
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return {0, 0} end
local now = nowMs()
local fence = nextFence(KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], 'token', ARGV[3], 'holder', ARGV[4], 'ttl', ARGV[5], 'fence', fence,
  'acquiredAt', now, 'renewedAt', now)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
local body = string.format('%s,"fence":%.0f,"acquiredAtMs":%.0f}', ARGV[6], fence, now)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', 'body', body)
return {1, fence}
