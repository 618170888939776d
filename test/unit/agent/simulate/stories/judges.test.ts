import assert from 'node:assert/strict';
import { doubleScheduler } from '../../../../../agent/simulate/stories/doubleScheduler.ts';
import { frozenHolder } from '../../../../../agent/simulate/stories/frozenHolder.ts';
import { lockTimeout } from '../../../../../agent/simulate/stories/lockTimeout.ts';
import { pageRefresh } from '../../../../../agent/simulate/stories/pageRefresh.ts';
import { stacking } from '../../../../../agent/simulate/stories/stacking.ts';
import type { StoryFact, StoryRecord } from '../../../../../agent/simulate/stories/storyRecord.ts';
import { workerCrash } from '../../../../../agent/simulate/stories/workerCrash.ts';

/** Records of these facts, 100 ms apart. */
const recordsOf = (...facts: StoryFact[]): StoryRecord[] =>
  facts.map((fact, index) => ({
    ...{ actor: 'agent 1', text: fact.kind, tone: 'neutral' as const, fact, atMs: index * 100 },
  }));

const opened: StoryFact = { kind: 'socket', change: 'opened' };
const closed: StoryFact = { kind: 'socket', change: 'closed' };
const enqueued = (slot: number, job = `slot-${slot}`): StoryFact => ({
  ...{ kind: 'enqueued', slot, job },
});
const started = (run: number): StoryFact => ({ kind: 'run_started', run, fence: run });
const ended = (run: number): StoryFact => ({ kind: 'run_ended', run });
const write = (run: number, accepted = true): StoryFact => ({ kind: 'write', run, accepted });
const skipped: StoryFact = {
  ...{ kind: 'asked', outcome: 'already_running', reason: 'concurrency_limit' },
};
const killed: StoryFact = { kind: 'killed' };

describe('the judge of a story', () => {
  it('of page-refresh counts sockets that are open at one time', () => {
    const two = pageRefresh.judge(recordsOf(opened, opened), false);
    assert.equal(two.bug, true);
    assert.equal(two.figures['mostSocketsAtOneTime'], 2);
    const one = pageRefresh.judge(recordsOf(opened, closed, opened, skipped), false);
    assert.equal(one.bug, false);
    assert.equal(one.figures['already_running'], 1);
  });

  it('of double-scheduler wants each slot once: not twice, not never', () => {
    const slots = [0, 1, 2, 3].map((slot) => enqueued(slot));
    assert.equal(doubleScheduler.judge(recordsOf(...slots), false).bug, false);
    const twice = doubleScheduler.judge(recordsOf(...slots, enqueued(2, 'other')), true);
    assert.equal(twice.bug, true);
    assert.equal(twice.figures['slotsEnqueuedTwice'], 1);
    const again = doubleScheduler.judge(recordsOf(...slots, enqueued(2)), false);
    assert.equal(again.bug, false, 'the same job is no second one');
    const missed = doubleScheduler.judge(recordsOf(...slots.slice(1)), false);
    assert.equal(missed.bug, true);
    assert.equal(missed.figures['slotsMissed'], 1);
  });

  it('of stacking counts what is queued or running', () => {
    const story = [enqueued(0), started(1), skipped, skipped, ended(1), enqueued(3), started(2)];
    const kept = stacking.judge(recordsOf(...story), false);
    assert.equal(kept.bug, false);
    assert.match(kept.verdict, /run, skip, skip, run\./);
    assert.equal(kept.figures['refused concurrency_limit'], 2);
    const piled = [enqueued(0), started(1), enqueued(1), enqueued(2), ended(1), enqueued(3)];
    const broken = stacking.judge(recordsOf(...piled), true);
    assert.equal(broken.bug, true);
    assert.equal(broken.figures['mostQueuedOrRunning'], 3);
  });

  it('of lock-timeout counts runs that go on at one time', () => {
    const after = lockTimeout.judge(recordsOf(started(1), ended(1), started(2), ended(2)), false);
    assert.equal(after.bug, false);
    const beside = lockTimeout.judge(recordsOf(started(1), started(2), ended(1)), true);
    assert.equal(beside.bug, true);
    assert.equal(beside.figures['maxConcurrentRuns'], 2);
  });

  it('of worker-crash wants the job done once, and nothing of the dead run after that', () => {
    const takenOver = [
      started(1),
      write(1),
      killed,
      started(2),
      write(2),
      write(1, false),
      ended(2),
    ];
    const kept = workerCrash.judge(recordsOf(...takenOver), false);
    assert.equal(kept.bug, false);
    assert.equal(kept.figures['takeoverMs'], 100);
    assert.equal(kept.figures['lateWritesRefused'], 1);

    const lost = workerCrash.judge(recordsOf(started(1), write(1), killed), true);
    assert.equal(lost.bug, true);
    assert.match(lost.verdict, /The job is lost/);
    const late = [started(1), killed, started(2), write(2), write(1), ended(2)];
    assert.equal(workerCrash.judge(recordsOf(...late), false).bug, true);
    const twice = [started(1), ended(1), killed, started(2), ended(2)];
    assert.equal(workerCrash.judge(recordsOf(...twice), false).bug, true);
  });

  it('of frozen-holder looks for a write of the old holder after one of the new', () => {
    const refused = [write(1), write(2), write(1, false), write(2)];
    const kept = frozenHolder.judge(recordsOf(...refused), false);
    assert.equal(kept.bug, false);
    assert.equal(kept.figures['lateWritesRefused'], 1);
    const taken = frozenHolder.judge(recordsOf(write(1), write(2), write(1)), true);
    assert.equal(taken.bug, true);
    assert.equal(taken.figures['lateWritesAccepted'], 1);
  });
});
