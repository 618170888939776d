import * as z from 'zod';
import { messageOf } from '../common/errors.ts';
import type { Keys } from './keys.ts';
import type { RedisClient } from './redisClient.ts';
import { redisError } from './redisError.ts';
import { Scripts } from './scripts.ts';
import type { RedisTarget } from './target.ts';

/** Commands of Interlock and of BullMQ, with as many words as they need. */
const NEEDED = `
del $key | exists $key | get $key | incr $key | incrby $key 1 | persist $key | pexpire $key 1
pexpireat $key 1 | pttl $key | rename $key $key | set $key v | type $key | unlink $key
hdel $key f | hexists $key f | hget $key f | hgetall $key | hincrby $key f 1 | hlen $key
hmget $key f | hmset $key f v | hscan $key 0 | hset $key f v
lindex $key 0 | llen $key | lpop $key | lpos $key v | lpush $key v | lrange $key 0 0
lrem $key 0 v | lset $key 0 v | ltrim $key 0 0 | rpop $key | rpoplpush $key $key | rpush $key v
sadd $key m | scard $key | sismember $key m | smembers $key | srem $key m | sscan $key 0
xadd $key * f v | xdel $key 0-1 | xlen $key | xrange $key - + | xread streams $key 0
xrevrange $key + - | xtrim $key maxlen 1
bzpopmin $key 1 | zadd $key 1 m | zcard $key | zcount $key 0 0 | zlexcount $key - +
zmscore $key m | zpopmin $key | zrange $key 0 0 | zrangebylex $key - + | zrangebyscore $key 0 0
zrem $key m | zremrangebyrank $key 0 0 | zremrangebyscore $key 0 0 | zrevrange $key 0 0
zrevrangebyscore $key 0 0 | zscore $key m
info | multi | exec | scan 0 | time`
  .split(/[|\n]/)
  .map((line) => line.trim().split(' '))
  .filter(([name]) => name !== '');

/**
 * Checks that the user of this connection may do all that Interlock and BullMQ do.
 * @throws InterlockError `redis_refused` that names the commands, or what a server that is away throws
 */
export async function checkPermissions(
  redis: RedisClient,
  keys: Keys,
  target: RedisTarget,
): Promise<void> {
  const commands = NEEDED.map((words) => JSON.stringify(words));
  const answer = await new Scripts(redis)
    .run('checkPermissions', [keys.leaseIndex], commands)
    .catch((error: unknown) => {
      throw redisError(target, messageOf(error));
    });
  const refused = z.array(z.string()).parse(answer);
  if (refused.length === 0) return;
  throw redisError(target, `NOPERM on keys below "${keys.prefix}:": ${refused.join(', ')}`);
}
