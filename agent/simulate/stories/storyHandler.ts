/** The handler of the jobs in protected stories: takes its time, and writes to the resource. */
import * as z from 'zod';
import { sleep, systemClock } from '../../common/clock.ts';
import type { Handler } from '../../handlers/handlerContext.ts';
import { RedisConnections } from '../../redis/connections.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import { redisNowMs } from '../../redis/redisNow.ts';
import { Scripts } from '../../redis/scripts.ts';
import { ACTOR_VARIABLE, actorEnvironment } from './actorMessages.ts';
import { StoryKeys, StoryLog } from './storyLog.ts';

const planSchema = z.object({
  /** When the first run ends, ms since the story began; left out: like the others. */
  firstEndsAtMs: z.number().optional(),
  /** How long a run takes, ms. */
  durationMs: z.number(),
  /** Writes to the resource that often, ms; left out: only at the end. */
  writeEveryMs: z.number().optional(),
  /** Code that does not look at its signal: writes once more after its lock is lost. */
  insists: z.boolean().default(false),
});

/** A job that is no part of the story. */
const warmUp = z.object({ warmsUp: z.literal(true) });

const LOOK_MS = 20;

type Plan = z.infer<typeof planSchema>;

const handler: Handler = async (job, context) => {
  const { actor, target, prefix } = actorEnvironment.parse(
    JSON.parse(process.env[ACTOR_VARIABLE] ?? '{}'),
  );
  if (warmUp.safeParse(job.data).success) return;
  const plan = planSchema.parse(job.data);
  const connections = await RedisConnections.open(target, 'interlock-story');
  try {
    const redis = connections.commands;
    const keys = new StoryKeys(prefix);
    const log = new StoryLog(redis, new Scripts(redis), keys, actor);
    const run = await log.nextRun();
    await log.tell(`run ${run} starts, with fence ${context.fence}`, {
      tone: 'good',
      fact: { kind: 'run_started', run, fence: context.fence },
    });
    const { firstEndsAtMs } = plan;
    const durationMs =
      run === 1 && firstEndsAtMs !== undefined
        ? (await zeroOf(redis, keys)) + firstEndsAtMs - (await redisNowMs(redis))
        : plan.durationMs;
    await work(plan, durationMs, { run, log, fence: context.fence, signal: context.signal });
  } finally {
    connections.close();
  }
};

/** A run may start a moment before the story knows that it has begun. */
async function zeroOf(redis: RedisClient, keys: StoryKeys): Promise<number> {
  for (;;) {
    const zero = await redis.get(keys.zero);
    if (zero !== null) return Number(zero);
    await sleep(systemClock, LOOK_MS);
  }
}

interface Run {
  run: number;
  log: StoryLog;
  fence: number;
  signal: AbortSignal;
}

async function work(plan: Plan, durationMs: number, { run, log, fence, signal }: Run) {
  const endMs = systemClock.monotonic() + durationMs;
  let telling: Promise<void> | undefined;
  const onLoss = () => {
    telling = tellLoss(run, log, signal);
  };
  if (signal.aborted) onLoss();
  else signal.addEventListener('abort', onLoss, { once: true });
  while (systemClock.monotonic() < endMs) {
    const leftMs = endMs - systemClock.monotonic();
    await sleep(systemClock, Math.min(leftMs, plan.writeEveryMs ?? leftMs), signal);
    const isLost = signal.aborted;
    if (plan.writeEveryMs !== undefined && (!isLost || plan.insists)) await log.write(run, fence);
    if (!isLost) continue;
    await telling;
    throw new Error('its lock is lost');
  }
  await log.tell(`run ${run} ends`, { tone: 'good', fact: { kind: 'run_ended', run } });
}

function tellLoss(run: number, log: StoryLog, signal: AbortSignal): Promise<void> {
  const why = signal.reason instanceof Error ? signal.reason.message : 'its signal fired';
  return log.tell(`run ${run} is told to stop: ${why}`, {
    tone: 'good',
    fact: { kind: 'told_lost', run },
  });
}

export default handler;
