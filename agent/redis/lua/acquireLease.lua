-- Takes a lease that is free, or whose holder was proven dead, and gives it the next fencing token.
-- KEYS[1] hash of the lease
-- KEYS[2] hash of the last fencing token of each lease
-- KEYS[3] set of lease names
-- ARGV[1] name   ARGV[2] kind   ARGV[3] subject
-- ARGV[4] token of this acquisition   ARGV[5] holder as JSON   ARGV[6] TTL in ms
-- ARGV[7] token of the holder that was proven dead, or ''
-- Returns {1, fence, acquiredAt ms, former holder or '', fence before this one}
--      or {0, fence, acquiredAt ms, renewedAt ms, TTL left ms, holder, token}
-- @include nowMs
-- @include nextFence
local now = nowMs()
local current = redis.call('HMGET', KEYS[1], 'token', 'holder', 'fence', 'acquiredAt', 'renewedAt')
if current[1] and current[1] ~= ARGV[7] then
  return {0, tonumber(current[3]), tonumber(current[4]), tonumber(current[5]),
    redis.call('PTTL', KEYS[1]), current[2], current[1]}
end
local before = redis.call('HGET', KEYS[2], ARGV[1])
local fence = nextFence(KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'name', ARGV[1], 'kind', ARGV[2], 'subject', ARGV[3], 'token', ARGV[4],
  'holder', ARGV[5], 'ttl', ARGV[6], 'fence', fence, 'acquiredAt', now, 'renewedAt', now)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('SADD', KEYS[3], ARGV[1])
return {1, fence, now, current[2] or '', tonumber(before or '0')}
