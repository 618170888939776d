-- Which commands the user of this connection may not run on a key of ours. Redis tells since 7.0.
-- KEYS[1] a key of ours, which need not exist
-- ARGV commands, each as a JSON array of its words; '$key' stands for the key
-- Returns the names of those that are refused
local refused = {}
if not redis.acl_check_cmd then return refused end
for _, json in ipairs(ARGV) do
  local words = cjson.decode(json)
  for index, word in ipairs(words) do
    if word == '$key' then words[index] = KEYS[1] end
  end
  -- A command that this server does not know is none that it could refuse.
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if known and not allowed then refused[#refused + 1] = words[1] end
end
return refused
