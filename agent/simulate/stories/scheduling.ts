import type { Decision } from '../../protocol/decision.ts';
import { SCHEDULER_LOCK } from '../../schedules/schedulerLock.ts';
import { readHolder } from '../../state/readHolder.ts';
import type { Stage } from './stage.ts';
import { factsOf, type StoryLine, type StoryRecord } from './storyRecord.ts';

/** Longer than processes take to start. */
const HELD_MS = 10_000;

/**
 * Starts processes that schedule, and keeps all of them from it until the last one is ready: the
 * story has the scheduler's lock until then.
 */
export async function startSchedulers<T>(stage: Stage, start: () => Promise<T>): Promise<T> {
  const answer = await stage.leases.acquire({
    ...{ name: SCHEDULER_LOCK, kind: 'scheduler', subject: 'schedules', ttlMs: HELD_MS },
  });
  if (!answer.acquired) throw new Error('Somebody has the lock in a key space that is new.');
  try {
    return await start();
  } finally {
    await answer.lease.release();
  }
}

/** What the product decided about slots that are `everyMs` apart, as lines of the story. */
export function scheduleLines(everyMs: number) {
  return async (decision: Decision, atMs: number, stage: Stage): Promise<StoryLine[]> => {
    const { action, outcome, reason, subject, jobId } = decision;
    if (action === 'takeover' && subject === SCHEDULER_LOCK) {
      const text = `takes over ${SCHEDULER_LOCK}: its holder is dead`;
      return [{ actor: await schedulerOf(stage), text, tone: 'good', fact: null }];
    }
    // Of a slot that was missed the record tells when it was passed over, not whose it was.
    if (action !== 'schedule' || reason === 'slot_missed') return [];
    // The story begins with its first slot.
    if (Number.isNaN(stage.zeroMs)) await stage.begin(jobId === null ? atMs : slotTimeOf(jobId));
    const actor = await schedulerOf(stage);
    if (outcome !== 'accepted' || jobId === null) {
      const slot = Math.floor((atMs - stage.zeroMs) / everyMs);
      const text = `slot ${slot + 1}: ${subject} skipped, ${outcome} (${reason})`;
      return [{ actor, text, tone: 'good', fact: { kind: 'asked', outcome, reason } }];
    }
    const slot = Math.round((slotTimeOf(jobId) - stage.zeroMs) / everyMs);
    // A successor does again what it can not know to be done: it is the same job.
    const isThere = factsOf(stage.records, 'enqueued').some(({ job }) => job === jobId);
    const text = `slot ${slot + 1}: ${subject} ${isThere ? 'is enqueued already' : 'enqueued'}`;
    return [{ actor, text, tone: 'good', fact: { kind: 'enqueued', slot, job: jobId } }];
  };
}

/** The id of a slot's job ends with its time. */
function slotTimeOf(jobId: string): number {
  return Number(jobId.slice(jobId.lastIndexOf('-') + 1));
}

/** The different jobs that came in, and the slot of each. */
export function jobsOf(records: readonly StoryRecord[]): { job: string; slot: number }[] {
  const jobs = new Map(factsOf(records, 'enqueued').map((fact) => [fact.job, fact]));
  return [...jobs.values()];
}

/** The name of the process that holds the scheduler's lock. */
export async function schedulerOf(stage: Stage): Promise<string> {
  const text = await stage.redis.hget(stage.keys.lease(SCHEDULER_LOCK), 'holder');
  const holder = text === null ? null : readHolder(text);
  return (holder === null ? undefined : stage.actorOf(holder.pid)) ?? 'scheduler';
}
