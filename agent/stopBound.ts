import { sleep, type Clock } from './common/clock.ts';
import { USUAL_FINISH_RUNS_MS } from './config/schema.ts';
import type { RedisConnections } from './redis/connections.ts';
import { watchForSilence } from './redis/redisSilence.ts';

/**
 * Each part of a stop is bounded. This is the bound on the whole, where no shard is handed over and runs
 * get the usual time.
 */
const STOP_WITHIN_MS = 4_800;
/** What is left of it when runs have had theirs. */
const AFTER_RUNS_MS = STOP_WITHIN_MS - USUAL_FINISH_RUNS_MS;

/** Shards live on in an agent that leaves until others have them, that long at most. */
export const HAND_STREAMS_OVER_MS = 4_500;

/**
 * How long a stop may take while Redis answers, ms. Where runs get more time than usual, that much
 * more.
 */
export function stopWithinMs(finishRunsMs: number): number {
  const runsMs = Math.max(USUAL_FINISH_RUNS_MS, finishRunsMs);
  return HAND_STREAMS_OVER_MS + runsMs + AFTER_RUNS_MS;
}

/**
 * Settles when a stop that begins now has to be over. With Redis away there is nothing to wait for,
 * however much time runs may have.
 */
export async function stopBound(
  connections: RedisConnections | undefined,
  clock: Clock,
  finishRunsMs: number,
): Promise<void> {
  const whole = sleep(clock, stopWithinMs(finishRunsMs));
  if (connections === undefined) return whole;
  const { signal } = watchForSilence(connections.commands, clock, USUAL_FINISH_RUNS_MS);
  const silent = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([whole, silent.then(() => sleep(clock, AFTER_RUNS_MS))]);
}
