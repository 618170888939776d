import { sleep, type Clock } from './clock.ts';

/**
 * Waits until the work has settled, at most so long and not beyond the signal. What comes of the
 * work is for those who hold it; that it fails is passed on while it is waited for.
 */
export async function within(
  clock: Clock,
  mostMs: number,
  work: Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const until = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]);
  try {
    await Promise.race([work, sleep(clock, mostMs, until)]);
  } finally {
    done.abort();
  }
}
