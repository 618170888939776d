import assert from 'node:assert/strict';
import type { ActiveJob } from '../../../../agent/reaper/activeJob.ts';
import {
  HANDLERS_LEAVE_MS,
  planTakeovers,
  type TakeoverView,
} from '../../../../agent/reaper/takeoverDecision.ts';

const job = (changes: Partial<ActiveJob>): ActiveJob => ({
  ...{ queue: 'q', id: '1', type: 't', worker: 'a1', deduplicationId: null, startedAtMs: 1 },
  ...{ attemptsMade: 0, starts: 1, lockToken: 'w1:3', lockTtlMs: 3_000 },
  ...changes,
});
const view = (changes: Partial<TakeoverView> = {}): TakeoverView => ({
  ...{ deadForMs: () => undefined, runsHere: () => false, leastLeftMs: () => 0 },
  ...changes,
});
const LOST = job({ lockToken: null, lockTtlMs: -2 });

describe('the plan of takeovers', () => {
  it('leaves what is locked, however old, and looks again when the first lock ends', () => {
    const jobs = [job({ lockTtlMs: 900 }), job({ lockTtlMs: 40 }), job({ startedAtMs: 0 })];
    const needed = new Set<string>();
    assert.deepEqual(planTakeovers(jobs, view()), { takeovers: [], nextLossMs: 41, needed });
    assert.equal(planTakeovers([], view()).nextLossMs, undefined);
  });

  it('takes what has no lock, unless a handler of this process is at work on it', () => {
    assert.deepEqual(planTakeovers([LOST], view()).takeovers, [
      { job: LOST, reason: 'lease_lost' },
    ]);
    const here = planTakeovers([LOST], view({ runsHere: () => true }));
    assert.deepEqual([here.takeovers, here.nextLossMs], [[], undefined]);
  });

  it('takes the jobs of the dead when their handler processes have left, by the token alone', () => {
    const dead = job({ lockToken: 'w9:0' });
    const stale = job({ worker: 'the dead one', lockToken: 'w2:0' });
    const since = (ms: number) =>
      planTakeovers(
        [dead, stale],
        view({ deadForMs: (token) => (token === 'w9:0' ? ms : undefined) }),
      );
    assert.deepEqual(since(50), {
      ...{ takeovers: [], nextLossMs: HANDLERS_LEAVE_MS - 50, needed: new Set(['t']) },
    });
    assert.deepEqual(since(HANDLERS_LEAVE_MS).takeovers, [{ job: dead, reason: 'holder_dead' }]);
  });

  it('never takes a job whose lock has no end', () => {
    const plan = planTakeovers([job({ lockTtlMs: -1 })], view());
    assert.deepEqual([plan.takeovers, plan.nextLossMs], [[], undefined]);
  });

  it('says whose handlers will be needed, before a lock that is not renewed has ended', () => {
    const needed = (lockTtlMs: number) =>
      planTakeovers([job({ lockTtlMs })], view({ leastLeftMs: () => 2_000 })).needed;
    assert.deepEqual([...needed(2_500)], []);
    assert.deepEqual([...needed(1_500)], ['t']);
  });
});
