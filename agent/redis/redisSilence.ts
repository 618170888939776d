import type { Redis } from 'ioredis';
import { sleep, type Clock } from '../common/clock.ts';

const ASK_EVERY_MS = 500;

export interface RedisSilence {
  /** Aborts when Redis has said nothing for long enough. */
  readonly signal: AbortSignal;
  /** Asks no more. */
  end(): void;
}

/** Asks Redis now and then whether it is there. @param silentMs so long without an answer is silence */
export function watchForSilence(
  redis: Pick<Redis, 'ping'>,
  clock: Clock,
  silentMs: number,
): RedisSilence {
  const silence = new AbortController();
  const ended = new AbortController();
  let heardAt = clock.monotonic();
  const ask = () =>
    redis.ping().then(
      () => (heardAt = clock.monotonic()),
      () => undefined,
    );
  const watch = async () => {
    while (!ended.signal.aborted) {
      const leftMs = silentMs - (clock.monotonic() - heardAt);
      if (leftMs <= 0) {
        silence.abort();
        return;
      }
      void ask();
      await sleep(clock, Math.min(ASK_EVERY_MS, leftMs), ended.signal);
    }
  };
  void watch();
  return { signal: silence.signal, end: () => ended.abort() };
}
