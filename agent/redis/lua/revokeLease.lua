-- Takes a lease away from its holder, and moves the fencing token on: at its next renewal the holder
-- finds it lost, and what it does under its old token is refused.
-- KEYS[1] hash of the lease
-- KEYS[2] hash of the last fencing token of each lease
-- KEYS[3] set of lease names
-- KEYS[4] stream of releases: those who wait for it look at once
-- ARGV[1] name   ARGV[2] fence of the holding that is meant, or '' for what can not be read
-- Returns the new fencing token, or 0 when another holds it by now, or nobody
-- @include nextFence
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return 0 end
local fence = kind == 'hash' and redis.call('HGET', KEYS[1], 'fence') or ''
if ARGV[2] ~= '' and fence ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100, '*', 'lease', ARGV[1])
return tonumber(nextFence(KEYS[2], ARGV[1]))
