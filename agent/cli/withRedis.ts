import { mkdirSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { RedisTarget } from '../redis/target.ts';
import type { CliSession } from './session.ts';

/**
 * Gives the Redis that an agent of this session would use, without an agent. A private server that
 * nobody else uses is stopped afterwards.
 * @throws InterlockError `redis_missing`, `redis_unreachable`
 */
export async function withRedis<T>(
  session: CliSession,
  config: Config,
  use: (target: RedisTarget) => Promise<T>,
): Promise<T> {
  const { io, stateFolder } = session;
  const { chooseRedisTarget } = await import('../redis/target.ts');
  const { ensurePrivateServer, privateSocketPath, shutdownIfUnused } =
    await import('../redis/privateServer.ts');
  const target = chooseRedisTarget({
    flag: session.redisUrl,
    env: undefined,
    config: config.redis,
    privateSocketPath: privateSocketPath(stateFolder),
  });
  if (target.kind === 'url') return use(target);
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  await ensurePrivateServer(stateFolder, io.clock, io.env);
  try {
    return await use(target);
  } finally {
    await shutdownIfUnused(target.socketPath, 'interlock-cli');
  }
}
