-- Completes a refusal with what is known of the job that survived, and records it: one round trip.
-- KEYS[1] hash of the surviving job   KEYS[2] its lock   KEYS[3] delayed set   KEYS[4] prioritized set
-- KEYS[5] stream of decisions   KEYS[6] hash of agents
-- ARGV[1] the decision as JSON, with survivor.jobId set   ARGV[2] most decisions to keep
-- Returns {id in the stream, the decision as JSON}
local decision = cjson.decode(ARGV[1])
local id = decision.survivor.jobId
local job = redis.call('HMGET', KEYS[1], 'timestamp', 'processedOn', 'finishedOn', 'pb')
local state, since = 'gone', job[1]
if redis.call('EXISTS', KEYS[2]) == 1 then
  state, since = 'active', job[2] or job[1]
elseif job[3] then
  state, since = 'finished', job[3]
elseif redis.call('ZSCORE', KEYS[3], id) then
  state = 'delayed'
elseif redis.call('ZSCORE', KEYS[4], id) then
  state = 'prioritized'
elseif job[1] then
  state = 'waiting'
end
decision.survivor.state = state
-- Milliseconds: the caller writes them as a date.
decision.survivor.since = since or cjson.null
decision.outcome = state == 'active' and 'already_running' or 'already_queued'
if state == 'active' and job[4] then
  local agent = redis.call('HGET', KEYS[6], job[4])
  -- What can not be read must not keep the refusal from being recorded.
  local readable, holder = pcall(cjson.decode, agent or '')
  if readable then decision.holder = holder end
end
local time = redis.call('TIME')
decision.at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local json = cjson.encode(decision)
local entry = redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[2], '*', 'decision', json)
return {entry, json}
