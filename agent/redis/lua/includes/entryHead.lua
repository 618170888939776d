-- Time of the heartbeat in ms, and fencing token, of an entry that `writeStreamEntries` wrote.
-- Returns texts, so that no digit is lost; nothing for what is none
local function entryHead(entry)
  return string.match(entry or '', '^{"heartbeatMs":(%d+),"fence":(%d+),')
end
