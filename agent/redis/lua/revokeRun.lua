-- Takes BullMQ's lock of a running job away, and moves the fencing token of its type on. The job is
-- then given to another run; BullMQ refuses the result of the old one.
-- KEYS[1] lock of the job   KEYS[2] hash of the last fencing token of each type
-- ARGV[1] token of the lock that is meant   ARGV[2] type, or '' when it is none of ours
-- Returns 1, or 0 when another run has it by now, or none
-- @include nextFence
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[2] ~= '' then nextFence(KEYS[2], ARGV[2]) end
return 1
