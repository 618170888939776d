-- Removes what waits in a queue, and writes down how much that was: one step.
-- KEYS: 1 stream of decisions
-- ARGV: 1-2 BullMQ's own of `drain`: '<prefix>:<queue>:', and 1 when delayed jobs go as well
--   3 queue  4 most decisions to keep
-- Returns {'decided', entry id, decision as JSON, number of jobs removed}
local function drain(KEYS, ARGV)
  -- @bullmq
end
-- @include recordDecision
-- @include countWaiting
local decisions, prefix, queue, most = KEYS[1], ARGV[1], ARGV[3], ARGV[4]
local null = cjson.null
local withDelayed = ARGV[2] == '1'

local before = countWaiting(prefix, withDelayed)
drain({
  -- @bullmqKeys
}, { ARGV[1], ARGV[2] })
local removed = before - countWaiting(prefix, withDelayed)
local decision = {
  action = 'drain', subject = queue, key = null, outcome = 'accepted',
  reason = 'drained_by_person', jobId = null, survivor = null, holder = null, ['until'] = null,
  counts = null, remedy = removed .. (removed == 1 and ' job was' or ' jobs were') .. ' removed.',
}
local entry, json = recordDecision(decisions, most, '', decision, nil)
return {'decided', entry, json, removed}
