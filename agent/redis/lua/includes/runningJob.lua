-- The job that runs for a uniqueness id: the one of the note, as long as BullMQ's lock of it exists.
local function runningJob(running, prefix, uniqueId)
  local entry = redis.call('HGET', running, uniqueId)
  local id = entry and string.match(entry, '^%d+ (.+)$')
  if id and redis.call('EXISTS', prefix .. id .. ':lock') == 1 then return id end
end
