-- Decides about a job, and adds it with BullMQ's own script: one step, so nothing can come between.
-- KEYS: 1 stream of decisions  2 lease that the one who asks must hold, where it must hold one
--   3 hash of how far the holders of that lease have come, where that is kept
-- ARGV: 1-3 BullMQ's own of the script that adds: 2 is the payload as JSON. '': only asks whether it
--   is refused, for a rule that skips or fails
--   4 what is the same for all jobs of the type, each behind a unit separator: '<prefix>:<queue>:',
--     while or '', onConflict, maxConcurrent or 0, most decisions to keep, hash of agents,
--     admitted jobs of the type, running jobs of the type, type
--   5 job id  6 key for people, or ''  7 uniqueness id after the type, or ''
--   8 '', or what most do not ask for, as JSON: [action, priority with 0 = before all others,
--     whether to record what is accepted, fence of that lease, fields and values of that hash]
-- Few long arguments and not many short ones, and no more calls than must be: a refusal should cost
-- no more than BullMQ's own.
-- Returns {'accepted', entry id, nothing} or {'accepted', '', now in ms} or {'decided', entry id, decision as JSON}
--      or {'bullmq', code} when BullMQ refuses to add it, or {'free'} to one that only asks
local function addToQueue(KEYS, ARGV)
  -- @bullmq
end
-- @include nowMs
-- @include jobState
-- @include runningJob
-- @include recordDecision
-- @include admission
-- @include removeWaiting
local decisions = KEYS[1]
local prefix, rule, onConflict, limit, most, agents, admitted, running, jobType =
  string.match(ARGV[4],
    '^([^\31]*)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31(.*)$')
local jobId, label, uniqueId = ARGV[5], ARGV[6], ARGV[7]
local action, priority, recordAccepted, fence, progress = 'enqueue', 0, true, nil, nil
if ARGV[8] ~= '' then
  action, priority, recordAccepted, fence, progress = unpack(cjson.decode(ARGV[8]))
end
limit = tonumber(limit)
if uniqueId == '' then rule = '' end
local dedupKey = prefix .. 'de:' .. jobType .. '|' .. uniqueId
local null = cjson.null

-- What there is to do about it is told by who reads the record.
local function decide(outcome, reason, id, survivor, worker, more)
  local decision = {
    action = action, subject = jobType, key = label ~= '' and label or null,
    outcome = outcome, reason = reason, jobId = id or null, survivor = survivor or null,
  }
  for name, value in pairs(more or {}) do decision[name] = value end
  local entry, json = recordDecision(decisions, most, agents, decision, worker)
  return {'decided', entry, json}
end

local function add()
  local keys = {
    -- @bullmqKeys
  }
  return addToQueue(keys, { ARGV[1], ARGV[2], ARGV[3] })
end

if fence and redis.call('HGET', KEYS[2], 'fence') ~= fence then
  return decide('refused', 'lease_lost')
end

-- It was added before and its answer got lost; the job itself may be done and gone by now.
if progress and redis.call('HGET', KEYS[3], '') == jobId then return {'accepted', '', nowMs()} end

local survivor, state, since, worker, ends

if rule == 'running' then
  survivor = runningJob(running, prefix, uniqueId)
  if survivor then state, since, worker = jobState(prefix, survivor) end
elseif rule ~= '' then
  survivor = redis.call('GET', dedupKey)
  if survivor then state, since, worker = jobState(prefix, survivor) end
  local over = state == 'gone' or state == 'finished' or (rule == 'queued' and state == 'active')
  if survivor and rule == 'window' then
    ends = redis.call('PTTL', dedupKey)
    if ends < 0 then over = true else over = false end
  end
  -- A key outlives its job when that is removed by hand, or by a Redis that lost its newest data.
  if survivor and over then
    redis.call('DEL', dedupKey)
    survivor = nil
  end
end

local reason, counts = 'unique_key', nil
if not survivor and limit > 0 and redis.call('ZCARD', admitted) >= limit then
  local taken = pruneAdmitted(admitted, prefix)
  if taken >= limit then
    survivor, state, since, worker = admittedSurvivor(admitted, prefix)
    reason = 'concurrency_limit'
    counts = { queuedOrRunning = taken, limit = limit }
  end
end

-- An id that is there already is added once, as BullMQ itself does: a slot that is claimed again, or a
-- question that is asked again because its answer got lost. What is in its way may be its own job.
if survivor and jobId ~= '' and redis.call('EXISTS', prefix .. jobId) == 1 then survivor = nil end

local replacedId
if survivor then
  local found = { jobId = survivor, state = state, since = since or null }
  local more = { counts = counts }
  if ends and ends > 0 then more['until'] = string.format('%.0f', nowMs() + ends) end
  if ARGV[1] == '' and state == 'prioritized' then return {'free'} end
  if reason == 'unique_key' and state == 'prioritized'
    and priority < tonumber(redis.call('HGET', prefix .. survivor, 'priority'))
    and removeWaiting(prefix, survivor) then
    -- The waiting one gives its place to one of a higher priority, which is added below. Only to one
    -- of its own key: that of another key does other work, and does not make up for it.
    if rule ~= '' and redis.call('GET', dedupKey) == survivor then redis.call('DEL', dedupKey) end
    redis.call('ZREM', admitted, survivor)
    replacedId = survivor
  elseif reason == 'unique_key' and onConflict == 'replace'
    and (state == 'waiting' or state == 'delayed' or state == 'prioritized') then
    redis.call('HSET', prefix .. survivor, 'data', ARGV[2])
    return decide('replaced', reason, survivor, found, nil, more)
  elseif reason == 'unique_key' and onConflict == 'reschedule' and state == 'active' then
    local nextKey = prefix .. 'dn:' .. jobType .. '|' .. uniqueId
    local nextId = redis.call('HGET', nextKey, 'jid')
    if nextId == jobId then return decide('rescheduled', reason, jobId, found, worker, more) end
    if nextId then
      local waits = { jobId = nextId, state = 'waiting', since = null }
      return decide('already_queued', reason, nextId, waits, nil, more)
    end
    add()
    if redis.call('HGET', nextKey, 'jid') == jobId then
      return decide('rescheduled', reason, jobId, found, worker, more)
    end
    return decide('already_running', reason, survivor, found, worker, more)
  else
    local outcome = state == 'active' and 'already_running' or 'already_queued'
    if state == 'finished' or state == 'gone' then outcome = 'skipped' end
    if onConflict == 'fail' and reason == 'unique_key' then outcome = 'refused' end
    return decide(outcome, reason, survivor, found, worker, more)
  end
end

if ARGV[1] == '' then return {'free'} end
local added = add()
if type(added) == 'number' then return {'bullmq', added} end
if added ~= jobId then
  -- BullMQ found a key that our rule does not look at: another program's job has it.
  local state2, since2, worker2 = jobState(prefix, added)
  local found = { jobId = added, state = state2, since = since2 or null }
  local outcome = state2 == 'active' and 'already_running' or 'already_queued'
  return decide(outcome, 'unique_key', added, found, worker2)
end
if limit > 0 then redis.call('ZADD', admitted, 'NX', nowMs(), jobId) end
if progress then redis.call('HSET', KEYS[3], '', jobId, unpack(progress)) end
if replacedId then
  local gone = { jobId = replacedId, state = 'removed', since = null }
  return decide('replaced', 'higher_priority', jobId, gone)
end
local entry = ''
if recordAccepted then
  local line = cjson.encode({action, jobType, label ~= '' and label or null, jobId})
  -- The job is there: a record that can not be written must not say otherwise.
  local written = redis.pcall('XADD', decisions, 'MAXLEN', '~', most, '*', 'accepted', line)
  if type(written) == 'string' then entry = written end
end
-- The id of the entry tells the time.
return {'accepted', entry, entry == '' and nowMs() or false}
