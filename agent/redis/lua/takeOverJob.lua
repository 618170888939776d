-- Gives a job back to its queue whose worker was proven dead, or lost its lock: as BullMQ does it for
-- stalled jobs, but for this one job and with the proof in the same step.
-- KEYS: 1 active  2 wait  3 stalled  4 meta  5 marker  6 events  (BullMQ's, of the queue)
--   7 hash of the job  8 its lock  9 running jobs of its type
-- ARGV: 1 job id  2 worker that was seen on it, or ''  3 token of the lock of the dead worker, or '':
--   taken over only without a lock  4 uniqueness key that it takes again while it waits, or ''
--   5 whose worker ran it: 'agent' or 'outside'
-- Returns {'taken', fence of the lost run or ''}, {'gone'} when only its place was left, or {} when
--   it is another's by now, or ended
local token = redis.call('GET', KEYS[8])
if token and token ~= ARGV[3] then return {} end
if (redis.call('HGET', KEYS[7], 'pb') or '') ~= ARGV[2] then return {} end
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return {} end
redis.call('DEL', KEYS[8])
redis.call('SREM', KEYS[3], ARGV[1])

local fence = ''
local runs = redis.call('HGETALL', KEYS[9])
for index = 1, #runs, 2 do
  local runFence, job = string.match(runs[index + 1], '^(%d+) (.+)$')
  if job == ARGV[1] then
    fence = runFence
    redis.call('HDEL', KEYS[9], runs[index])
  end
end
if redis.call('EXISTS', KEYS[7]) == 0 then return {'gone'} end

redis.call('HINCRBY', KEYS[7], 'stc', 1)
if ARGV[4] ~= '' then redis.call('SET', ARGV[4], ARGV[1], 'NX') end
local meta = redis.call('HMGET', KEYS[4], 'paused', 'concurrency', 'opts.maxLenEvents')
local isBlocked = meta[1] or (meta[2] and redis.call('LLEN', KEYS[1]) >= tonumber(meta[2]))
-- In front: it has begun once already.
redis.call('RPUSH', KEYS[2], ARGV[1])
if not isBlocked then redis.call('ZADD', KEYS[5], 0, '0') end
redis.call('XADD', KEYS[6], 'MAXLEN', '~', meta[3] or 10000, '*',
  'event', 'waiting', 'jobId', ARGV[1], 'prev', 'active')
redis.call('XADD', KEYS[6], '*', 'event', 'stalled', 'jobId', ARGV[1], 'interlock', ARGV[5])
return {'taken', fence}
