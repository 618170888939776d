-- Reads many leases: one command instead of two for each. Forgets the names of those that ended.
-- KEYS[1] set of lease names   KEYS[i + 1] hash of the lease ARGV[i]
-- ARGV names
-- Returns for each {PTTL, name, kind, subject, token, holder, ttl, fence, acquiredAt, renewedAt};
--   {PTTL} alone for a key that is no hash
local answer = {}
for index, name in ipairs(ARGV) do
  local key = KEYS[index + 1]
  local left = redis.call('PTTL', key)
  local values = redis.pcall('HMGET', key, 'name', 'kind', 'subject', 'token', 'holder', 'ttl',
    'fence', 'acquiredAt', 'renewedAt')
  if values.err then values = {} end
  table.insert(values, 1, left)
  if left == -2 then redis.call('SREM', KEYS[1], name) end
  answer[index] = values
end
return answer
