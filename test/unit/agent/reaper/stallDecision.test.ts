import assert from 'node:assert/strict';
import type { Stall } from '../../../../agent/protocol/decision.ts';
import { stallDecision } from '../../../../agent/reaper/stallDecision.ts';

const STALL: Stall = {
  ...{ worker: 'invoices', address: '10.0.0.7:51234', connected: null, start: 1, stalls: 1 },
  ...{ attemptsMade: 0, movedBy: 'bullmq', next: 'waits', nextWorker: null },
};
const facts = (changes: Partial<Stall> = {}, willFail = false) => ({
  ...{ jobId: '7', type: 'bill', deduplicationId: 'bill|["eu"]', willFail },
  stall: { ...STALL, ...changes },
});
const told = (changes: Partial<Stall>, willFail = false) =>
  stallDecision(facts(changes, willFail)).remedy ?? '';

describe('the decision about a stall', () => {
  it('has its facts, its key, and the words of the record', () => {
    const { outcome, reason, key, subject, stall } = stallDecision(facts());
    assert.deepEqual(
      [outcome, reason, key, subject],
      ['rescheduled', 'lock_not_renewed', 'eu', 'bill'],
    );
    assert.deepEqual(stall, STALL);
    assert.equal(stallDecision(facts({ next: 'failed' })).outcome, 'refused');
  });

  it('names the worker, and no cause that is not known', () => {
    assert.match(told({}), /^It ran in worker "invoices" \(10\.0\.0\.7:51234\), which Interlock/);
    assert.match(told({ worker: null, address: null }), /^It ran in a worker without a name, /);
    assert.match(told({}), /one of: .*breakpoint.*blocked.*killed.*lost Redis\./);
    const open = told({ connected: true });
    assert.match(open, /one of: .*breakpoint.*blocked.*connection to Redis is open/);
    assert.doesNotMatch(open, /killed/);
    assert.match(told({ connected: false }), /one of: .*killed.*connection to Redis is closed/);
  });

  it('says what became of the job', () => {
    assert.match(told({}), /waits to be started again: start 2 of the same job/);
    assert.match(
      told({ next: 'started', nextWorker: 'agent a1' }),
      /started again in agent a1: start 2 .*What start 1 did is not undone/,
    );
    assert.match(told({ next: 'failed', stalls: 2 }), /allowable limit": it has stalled 2 times/);
    assert.match(told({}, true), /next worker that takes it fails it/);
    assert.match(told({ next: 'removed' }), /removed since/);
  });

  it('names the settings that decide', () => {
    const settings = ['lockDuration', 'useWorkerThreads', 'concurrency'];
    for (const name of settings) assert.ok(told({}).includes(`"${name}"`), name);
    assert.match(told({}), /"stalledInterval".*"maxStalledCount"/);
    assert.doesNotMatch(told({ movedBy: 'interlock' }), /stalledInterval/);
  });
});
