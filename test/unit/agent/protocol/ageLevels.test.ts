import assert from 'node:assert/strict';
import { lockAgeLevel, runAgeLevel } from '../../../../agent/protocol/ageLevels.ts';
import type { AgeThresholds } from '../../../../agent/protocol/model.ts';

const MINUTE_MS = 60_000;

const thresholds: AgeThresholds = {
  ...{ jobWarnMs: 10 * MINUTE_MS, jobCriticalMs: 30 * MINUTE_MS, jobEmergencyMs: 50 * MINUTE_MS },
  ...{ lockWarnMs: 30 * MINUTE_MS, lockEmergencyMs: 55 * MINUTE_MS },
};

describe('levels of age', () => {
  it('of a run: warning from 10 minutes, critical from 30, emergency from 50', () => {
    const levels = [0, 9.99, 10, 29.99, 30, 49.99, 50, 300].map((minutes) =>
      runAgeLevel(minutes * MINUTE_MS, thresholds),
    );
    assert.deepEqual(levels, [
      ...['normal', 'normal', 'warning', 'warning', 'critical', 'critical'],
      ...['emergency', 'emergency'],
    ]);
  });

  it('of a lock: warning from 30 minutes, emergency from 55, and nothing between', () => {
    const levels = [29.99, 30, 54.99, 55].map((minutes) =>
      lockAgeLevel('run', minutes * MINUTE_MS, thresholds),
    );
    assert.deepEqual(levels, ['normal', 'warning', 'warning', 'emergency']);
  });

  it('concern what is to end soon: not what is held for as long as its holder lives', () => {
    const old = 300 * MINUTE_MS;
    for (const kind of ['run', 'job', 'watched'] as const)
      assert.equal(lockAgeLevel(kind, old, thresholds), 'emergency');
    for (const kind of ['scheduler', 'stream', 'dedup'] as const)
      assert.equal(lockAgeLevel(kind, old, thresholds), 'normal');
    assert.equal(lockAgeLevel('watched', null, thresholds), 'normal');
  });
});
