-- Takes one certain job that waits, for a run under a debugger: BullMQ's own script takes the job
-- that is next, so this one is made the next in the same step.
-- KEYS: 1 wait  2 prioritized  3 delayed  4 active  5 meta  6 hash of the job  (of the queue)
-- ARGV: 1 '<prefix>:<queue>:'  2 job id  3 token of the lock  4 TTL of the lock in ms
--   5 name of the worker
-- Returns 'claimed'; 'gone': there is no such job; 'paused' or 'full': its queue lets nothing run;
--   'limited': its queue has used up its rate, and the job is the next one; 'elsewhere': it does not
--   wait any more
local function moveToActive(KEYS, ARGV)
  -- @bullmq
end
-- @include nowMs
local prefix, jobId = ARGV[1], ARGV[2]
if redis.call('EXISTS', KEYS[6]) == 0 then return 'gone' end
local meta = redis.call('HMGET', KEYS[5], 'paused', 'concurrency')
if meta[1] then return 'paused' end
if meta[2] and redis.call('LLEN', KEYS[4]) >= tonumber(meta[2]) then return 'full' end

local waits = redis.call('LREM', KEYS[1], 1, jobId) == 1
  or redis.call('ZREM', KEYS[2], jobId) == 1
if not waits and redis.call('ZREM', KEYS[3], jobId) == 1 then
  redis.call('HSET', KEYS[6], 'delay', 0)
  waits = true
end
if not waits then return 'elsewhere' end
redis.call('RPUSH', KEYS[1], jobId)

local options = cmsgpack.pack({
  token = ARGV[3], lockDuration = tonumber(ARGV[4]), name = ARGV[5],
})
local taken = moveToActive({
  -- @bullmqKeys
}, { prefix, nowMs(), options })
return taken[2] == jobId and 'claimed' or 'limited'
