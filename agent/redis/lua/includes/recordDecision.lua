-- Writes a decision down, with the holder of the survivor's run. Returns its id in the stream, which
-- tells its time, and its JSON. Other times are milliseconds: the reader writes them as dates.
local function recordDecision(stream, most, agents, decision, worker)
  if worker then
    local agent = redis.call('HGET', agents, worker)
    -- What can not be read must not keep the decision from being recorded.
    local readable, holder = pcall(cjson.decode, agent or '')
    if readable then decision.holder = holder end
  end
  local json = cjson.encode(decision)
  return redis.call('XADD', stream, 'MAXLEN', '~', most, '*', 'decision', json), json
end
