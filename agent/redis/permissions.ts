import * as z from 'zod';
import { messageOf } from '../common/errors.ts';
import type { Keys } from './keys.ts';
import type { RedisClient } from './redisClient.ts';
import { redisError } from './redisError.ts';
import { Scripts } from './scripts.ts';
import type { RedisTarget } from './target.ts';

/** Commands on keys of ours, of Interlock and of BullMQ, with as many words as they need. */
const NEEDED = [
  ...['del $key', 'exists $key', 'get $key', 'getrange $key 0 0', 'incr $key', 'set $key v'],
  ...['expire $key 1', 'pexpire $key 1', 'pttl $key', 'type $key', 'unlink $key'],
  ...['hdel $key f', 'hexists $key f', 'hget $key f', 'hgetall $key', 'hincrby $key f 1'],
  ...['hlen $key', 'hmget $key f', 'hset $key f v', 'hmset $key f v', 'hsetnx $key f v', 'hkeys $key'],
  ...['lindex $key 0', 'llen $key', 'lpop $key', 'lpos $key v', 'lpush $key v', 'lrange $key 0 0'],
  ...['lrem $key 0 v', 'lset $key 0 v', 'ltrim $key 0 0', 'linsert $key before v w', 'rpop $key', 'rpush $key v', 'rpoplpush $key $key', 'lmove $key $key left right'],
  ...['sadd $key m', 'scard $key', 'sismember $key m', 'smembers $key', 'srem $key m'],
  ...['xadd $key * f v', 'xdel $key 0-1', 'xlen $key', 'xrange $key - +', 'xrevrange $key + -', 'xread streams $key 0', 'xtrim $key maxlen 1'],
  ...['zadd $key 1 m', 'zcard $key', 'zcount $key 0 0', 'zmscore $key m', 'zpopmin $key', 'bzpopmin $key 1', 'zrange $key 0 0', 'zrangebyscore $key 0 0', 'zrem $key m'],
  ...['zremrangebyrank $key 0 0', 'zremrangebyscore $key 0 0', 'zrevrange $key 0 0', 'zrevrangebyscore $key 0 0', 'zscore $key m'],
  ...['scan 0', 'time', 'info'],
].map((line) => line.split(' '));

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
