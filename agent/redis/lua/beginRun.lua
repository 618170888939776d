-- The last check right before a run, and its fencing token. The caller has BullMQ's lock of the job.
-- KEYS: 1 running jobs of the type  2 last fence of each type  3 admitted jobs of the type
--   4 stream of decisions  5 hash of agents  6 lock of the job
-- ARGV: 1 type  2 uniqueness id after the type, or ''  3 job id  4 token of the job's lock
--   5 while, or ''  6 maxConcurrent, or 0  7 '1': the last check is on
--   8 '1': what waits beside it is removed  9 key for people, or ''  10 most decisions to keep
--   11 '<prefix>:<queue>:'  12 remedy
-- Returns {'run', fence, entry id and decision as JSON of each removed job...}, {'lost'} when the lock
--   is another's by now, or {'skip', entry id, decision as JSON}
-- @include nowMs
-- @include jobState
-- @include runningJob
-- @include recordDecision
-- @include admission
-- @include removeWaiting
-- @include nextFence
local now = nowMs()
local running, fences, admitted, decisions, agents = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local jobType, uniqueId, jobId, token = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local rule, limit, checks, cleans = ARGV[5], tonumber(ARGV[6]), ARGV[7] == '1', ARGV[8] == '1'
local label, most, prefix, remedy = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local null = cjson.null

if redis.call('GET', KEYS[6]) ~= token then return {'lost'} end

local function decisionOf(outcome, reason, subjectId, survivor, state, since, text)
  return {
    action = 'execute', subject = jobType, key = label ~= '' and label or null, outcome = outcome,
    reason = reason, jobId = subjectId,
    survivor = { jobId = survivor, state = state, since = since or null },
    holder = null, ['until'] = null, counts = null, remedy = text,
  }
end

local function skip(reason, survivor, counts)
  local state, since, worker = jobState(prefix, survivor)
  local decision = decisionOf('skipped', reason, jobId, survivor, state, since, remedy)
  decision.counts = counts or null
  local entry, json = recordDecision(decisions, most, agents, decision, worker)
  return {'skip', entry, json}
end

local field = uniqueId ~= '' and uniqueId or jobId
local dedupId = jobType .. '|' .. uniqueId
local dedupKey = prefix .. 'de:' .. dedupId

if checks and uniqueId ~= '' and (rule == 'queued-or-running' or rule == 'running') then
  local other = runningJob(running, prefix, uniqueId)
  if other and other ~= jobId then return skip('concurrent_execution_detected', other) end
end

if checks and rule == 'queued-or-running' then
  local owner = redis.call('GET', dedupKey)
  if owner and owner ~= jobId then
    local state = jobState(prefix, owner)
    if state ~= 'gone' and state ~= 'finished' and not cleans then return skip('unique_key', owner) end
  end
  if owner ~= jobId then
    -- It came in past the rule, by another program: from now on it has the key, and BullMQ gives it
    -- back when the job ends.
    redis.call('SET', dedupKey, jobId)
    redis.call('HSET', prefix .. jobId, 'deid', dedupId)
  end
end

if checks and limit > 0 and not redis.call('ZSCORE', admitted, jobId) then
  local taken = pruneAdmitted(admitted, prefix)
  -- It may have got the place of the one that it was rescheduled after.
  if taken >= limit and not redis.call('ZSCORE', admitted, jobId) then
    local survivor = admittedSurvivor(admitted, prefix)
    return skip('concurrent_execution_detected', survivor, { queuedOrRunning = taken, limit = limit })
  end
  redis.call('ZADD', admitted, 'NX', now, jobId)
end

local answer = {'run', nextFence(fences, jobType)}
redis.call('HSET', running, field, answer[2] .. ' ' .. jobId)

if cleans and uniqueId ~= '' then
  -- The end of the list is what starts next.
  local waiting = redis.call('LRANGE', prefix .. 'wait', -500, -1)
  for _, id in ipairs(redis.call('ZRANGE', prefix .. 'prioritized', 0, 499)) do
    table.insert(waiting, id)
  end
  for _, id in ipairs(waiting) do
    local job = redis.call('HMGET', prefix .. id, 'name', 'deid')
    local same = job[2] == dedupId or (not job[2] and uniqueId == '[]')
    if job[1] == jobType and same and id ~= jobId and removeWaiting(prefix, id) then
      redis.call('ZREM', admitted, id)
      local entry, json = recordDecision(decisions, most, agents, decisionOf('skipped',
        'concurrent_execution_detected', id, jobId, 'active', string.format('%.0f', now), remedy))
      table.insert(answer, entry)
      table.insert(answer, json)
    end
  end
end
return answer
