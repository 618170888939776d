/**
 * A small program that ends a private Redis which nobody uses: it must outlive a killed agent long
 * enough for its successor, and must not outlive its purpose. Started with the socket's path,
 * and the grace time in ms where the default does not fit.
 */
import { Redis } from 'ioredis';
import { systemClock, sleep } from '../common/clock.ts';
import { countClients, endServer, KEEPER_CLIENT_NAME } from './privateServer.ts';

/** Longer than a supervisor takes to bring a killed agent back, restart delays included. */
const GRACE_MS = 30_000;
const CHECK_INTERVAL_MS = 1_000;

async function keep(socketPath: string, graceMs: number): Promise<void> {
  const redis = new Redis({
    path: socketPath,
    connectionName: KEEPER_CLIENT_NAME,
    retryStrategy: () => null,
    maxRetriesPerRequest: null,
  });
  redis.on('error', () => undefined);
  // The server is gone: nothing is left to keep.
  redis.on('end', () => process.exit(0));

  let unusedSinceMs: number | undefined;
  for (;;) {
    await sleep(systemClock, CHECK_INTERVAL_MS);
    const clients = await countClients(redis, KEEPER_CLIENT_NAME);
    if (clients > 0) {
      unusedSinceMs = undefined;
      continue;
    }
    unusedSinceMs ??= systemClock.monotonic();
    if (systemClock.monotonic() - unusedSinceMs < graceMs) continue;
    await endServer(redis);
  }
}

const [, , socketPath, graceText] = process.argv;
if (socketPath === undefined) process.exit(2);
keep(socketPath, graceText === undefined ? GRACE_MS : Number(graceText)).catch(() =>
  process.exit(0),
);
