import { Redis, type RedisOptions } from 'ioredis';
import { sleep, systemClock, type Clock } from '../common/clock.ts';
import { within } from '../common/within.ts';

/** When a connection that does not answer is taken for a doubtful one. */
export interface SilenceLimits {
  /** Between two looks. A look counts, not the time: it may be this process that stood still. */
  lookEveryMs: number;
  /** Looks without an answer. BullMQ's reads wait up to 10 s for a job, ours 5 s for news. */
  looks: number;
  /** The same before it is ready, when nothing is asked that waits. */
  looksBeforeReady: number;
  /** A new connection has to answer by then, and the doubtful one that long after it. */
  answerWithinMs: number;
}

const LIMITS: SilenceLimits = {
  lookEveryMs: 2_500,
  looks: 6,
  looksBeforeReady: 2,
  answerWithinMs: 2_000,
};

/**
 * A connection that is given up when it has died without an end: a network that forgot it, or a
 * master that froze and has a successor of which ioredis missed the news, because it asked the
 * sentinels before it listened to them. The system would wait a quarter of an hour for the first,
 * and for ever for the second. A Redis that stands still keeps its connections: a new one gets no
 * answer either, and what was asked is answered when it goes on. Only for what waits as long as it
 * takes, on Sentinel: other commands fail after a while, and would be asked again by ioredis.
 */
export class WatchedRedis extends Redis {
  constructor(
    options: RedisOptions,
    private readonly clock: Clock = systemClock,
    private readonly limits: SilenceLimits = LIMITS,
  ) {
    super(options);
    this.on('connect', () => void endIfDead(this, clock, limits));
  }

  /** BullMQ makes its own connections of the one that it is given. */
  override duplicate(changes?: Partial<RedisOptions>): WatchedRedis {
    return new WatchedRedis({ ...this.options, ...changes }, this.clock, this.limits);
  }
}

async function endIfDead(redis: Redis, clock: Clock, limits: SilenceLimits): Promise<void> {
  const { stream } = redis;
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  let heard = stream.bytesRead;
  for (let silent = 0; !closed.signal.aborted; silent += 1) {
    if (redis.commandQueue.length === 0 || stream.bytesRead !== heard) silent = 0;
    heard = stream.bytesRead;
    const most = redis.status === 'ready' ? limits.looks : limits.looksBeforeReady;
    if (silent >= most) {
      if (await isAnsweredAnew(redis, clock, limits.answerWithinMs)) {
        await sleep(clock, limits.answerWithinMs, closed.signal);
        if (stream.bytesRead === heard) stream.destroy();
      }
      silent = 0;
    }
    await sleep(clock, limits.lookEveryMs, closed.signal);
  }
}

/** Whether a new connection, made in the same way, is answered. */
async function isAnsweredAnew(redis: Redis, clock: Clock, mostMs: number): Promise<boolean> {
  const probe = new Redis({
    ...redis.options,
    lazyConnect: true,
    failoverDetector: false,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  });
  probe.on('error', () => undefined);
  try {
    await within(clock, mostMs, probe.connect());
    return probe.status === 'ready';
  } catch {
    return false;
  } finally {
    probe.disconnect();
  }
}
