-- Writes the entries of many shards of a stream, each only for the holder of the shard's lease.
-- KEYS[1] hash of the stream's entries   KEYS[i + 1] hash of the lease of the i-th shard
-- ARGV[1] ms until the hash ends without a further write
-- ARGV[2], ARGV[3], ARGV[4] shard, fencing token and entry as JSON; again for each shard
-- The time of the heartbeat becomes the first field of the entry: decoded and encoded again, an empty
-- list would become an object and a token would lose its last digits.
-- Returns the shards that are not the writer's any more
-- @include nowMs
local head = string.format('{"heartbeatMs":%.0f,', nowMs())
local refused = {}
local argument = 2
for index = 2, #KEYS do
  local shard, fence, entry = ARGV[argument], ARGV[argument + 1], ARGV[argument + 2]
  argument = argument + 3
  if redis.call('HGET', KEYS[index], 'fence') == fence then
    redis.call('HSET', KEYS[1], shard, head .. string.sub(entry, 2))
  else
    table.insert(refused, tonumber(shard))
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return refused
