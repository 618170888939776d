import * as z from 'zod';
import { sleep, systemClock } from '../../../common/clock.ts';
import { redisNowMs } from '../../../redis/redisNow.ts';
import { partOf, type OpenPart, type PartContext } from './part.ts';

const optionsSchema = z.object({
  schedule: z.string(),
  everyMs: z.number().int(),
  /** A lock that is older counts as one that was left behind. */
  lockTimeoutMs: z.number().int(),
  runMs: z.number().int(),
  /** What a minute of the story is here, ms. */
  minuteMs: z.number(),
});

type Options = z.infer<typeof optionsSchema>;

/**
 * A daemon that at every interval frees the locks that are older than a timeout, and then starts what
 * is due and not locked. Taking the lock is atomic; freeing it by age is the bug.
 */
export const openNaiveDaemon: OpenPart = (context, raw) => {
  const options = optionsSchema.parse(raw);
  const loop = async () => {
    for (;;) {
      await interval(context, options);
      await sleep(systemClock, options.everyMs);
    }
  };
  return Promise.resolve(
    partOf({
      start: () => {
        loop().catch(context.fail);
        return Promise.resolve(null);
      },
    }),
  );
};

async function interval(context: PartContext, options: Options): Promise<void> {
  const { redis, log } = context;
  const lock = log.keys.of(`lock:${options.schedule}`);
  const lockedAt = await redis.hget(lock, 'lockedAt');
  const ageMs = lockedAt === null ? 0 : (await redisNowMs(redis)) - Number(lockedAt);
  if (ageMs > options.lockTimeoutMs) {
    await redis.del(lock);
    const minutes = Math.round(ageMs / options.minuteMs);
    await log.tell(`frees the lock of ${options.schedule}: it is ${minutes} minutes old`, {
      tone: 'bad',
    });
  }
  if ((await redis.hsetnx(lock, 'lockedAt', await redisNowMs(redis))) === 0) {
    await log.tell(`${options.schedule} is locked, nothing to do`);
    return;
  }
  run(context, options, lock).catch(context.fail);
}

async function run({ redis, log }: PartContext, { runMs }: Options, lock: string): Promise<void> {
  const run = await log.nextRun();
  await log.tell(`takes the lock, run ${run} starts`, {
    tone: run === 1 ? 'neutral' : 'bad',
    fact: { kind: 'run_started', run, fence: null },
  });
  await sleep(systemClock, runMs);
  await log.tell(`run ${run} ends`, { fact: { kind: 'run_ended', run } });
  await redis.del(lock);
}
