-- Puts a failed job back into its queue under the rules of its type: one step.
-- KEYS: 1 stream of decisions  2 hash of agents  3 admitted jobs of the type
--   4 running jobs of the type
-- ARGV: 1-6 BullMQ's own of `reprocessJob`  7 job id  8 type  9 key for people, or ''
--   10 BullMQ's deduplication id, or ''  11 uniqueness id after the type, or ''  12 while, or ''
--   13 maxConcurrent, or 0  14 most decisions to keep  15 '<prefix>:<queue>:'  16 remedy
-- Returns {'accepted', entry id, now in ms}, {'decided', entry id, decision as JSON}, or
--   {'bullmq', code} when it is not failed any more
local function reprocess(KEYS, ARGV)
  -- @bullmq
end
-- @include nowMs
-- @include jobState
-- @include runningJob
-- @include recordDecision
-- @include admission
local now = nowMs()
local decisions, agents, admitted, running = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local jobId, jobType, label, dedupId = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local uniqueId, rule, limit = ARGV[11], ARGV[12], tonumber(ARGV[13])
local most, prefix, remedy = ARGV[14], ARGV[15], ARGV[16]
local dedupKey = prefix .. 'de:' .. dedupId
local null = cjson.null

local function refuse(reason, survivor, state, since, worker, counts)
  local decision = {
    action = 'requeue', subject = jobType, key = label ~= '' and label or null,
    outcome = state == 'active' and 'already_running' or 'already_queued', reason = reason,
    jobId = survivor, survivor = { jobId = survivor, state = state, since = since or null },
    holder = null, ['until'] = null, counts = counts or null, remedy = remedy,
  }
  local entry, json = recordDecision(decisions, most, agents, decision, worker)
  return {'decided', entry, json}
end

local owner
if rule == 'running' then owner = runningJob(running, prefix, uniqueId)
elseif dedupId ~= '' then owner = redis.call('GET', dedupKey) end
if owner and owner ~= jobId then
  local state, since, worker = jobState(prefix, owner)
  local over = state == 'gone' or state == 'finished' or (rule == 'queued' and state == 'active')
  if not over then return refuse('unique_key', owner, state, since, worker) end
end
if limit > 0 and not redis.call('ZSCORE', admitted, jobId)
  and redis.call('ZCARD', admitted) >= limit then
  local taken = pruneAdmitted(admitted, prefix)
  if taken >= limit then
    local id, state, since, worker = admittedSurvivor(admitted, prefix)
    return refuse('concurrency_limit', id, state, since, worker,
      { queuedOrRunning = taken, limit = limit })
  end
end

local code = reprocess({
  -- @bullmqKeys
}, { unpack(ARGV, 1, 6) })
if code ~= 1 then return {'bullmq', code} end
-- A window is about when a job came in, and this one is no new one.
if dedupId ~= '' and rule ~= 'window' and redis.call('PTTL', dedupKey) <= 0 then
  redis.call('SET', dedupKey, jobId)
  redis.call('HSET', prefix .. jobId, 'deid', dedupId)
end
if limit > 0 then redis.call('ZADD', admitted, 'NX', now, jobId) end
local line = cjson.encode({'requeue', jobType, label ~= '' and label or null, jobId})
return {'accepted', redis.call('XADD', decisions, 'MAXLEN', '~', most, '*', 'accepted', line), now}
