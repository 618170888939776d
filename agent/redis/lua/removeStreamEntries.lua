-- Removes entries of a stream's shards, each only if it is of this fencing token.
-- KEYS[1] hash of the stream's entries
-- ARGV[1], ARGV[2] shard and fencing token; again for each shard
-- Returns how many were removed
-- @include entryHead
local removed = 0
for argument = 1, #ARGV, 2 do
  local _, fence = entryHead(redis.call('HGET', KEYS[1], ARGV[argument]))
  if fence == ARGV[argument + 1] then
    removed = removed + redis.call('HDEL', KEYS[1], ARGV[argument])
  end
end
return removed
