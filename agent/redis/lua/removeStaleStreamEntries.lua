-- Removes entries of a stream's shards that nobody keeps up: without a heartbeat for long, and the
-- lease is gone or another's; or without one for so long that the entry ends.
-- KEYS[1] hash of the stream's entries   KEYS[i + 1] hash of the lease of shard ARGV[i + 2]
-- ARGV[1] ms without a heartbeat that need the proof   ARGV[2] ms without one that end it
-- Returns the shards whose entries were removed
-- @include nowMs
-- @include entryHead
local now = nowMs()
local removed = {}
for index = 2, #KEYS do
  local shard = ARGV[index + 1]
  local heartbeat, fence = entryHead(redis.call('HGET', KEYS[1], shard))
  if heartbeat then
    local silent = now - tonumber(heartbeat)
    local orphaned = redis.call('HGET', KEYS[index], 'fence') ~= fence
    if silent >= tonumber(ARGV[2]) or (orphaned and silent >= tonumber(ARGV[1])) then
      redis.call('HDEL', KEYS[1], shard)
      table.insert(removed, tonumber(shard))
    end
  end
end
return removed
