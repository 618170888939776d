-- An agent is gone, and its connections with it.
-- KEYS: 1 sorted set of places, as in takeVenueTurn
-- ARGV: 1 agent id
-- Returns how many places it had
local removed = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(member, 1, #ARGV[1] + 1) == ARGV[1] .. ':' then
    removed = removed + redis.call('ZREM', KEYS[1], member)
  end
end
return removed
