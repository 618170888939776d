-- Takes a job out of its queue that waits there. Returns whether it did: one that runs is left alone,
-- and one of a flow, whose parent would wait for it for ever.
local function removeWaiting(prefix, id)
  if redis.call('HEXISTS', prefix .. id, 'parentKey') == 1 then return false end
  local found = redis.call('LREM', prefix .. 'wait', 1, id) == 1
    or redis.call('ZREM', prefix .. 'prioritized', id) == 1
  if not found then return false end
  local key = prefix .. id
  redis.call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed',
    key .. ':failed', key .. ':unsuccessful')
  redis.call('XADD', prefix .. 'events', '*', 'event', 'removed', 'jobId', id, 'prev', 'waiting')
  return true
end
