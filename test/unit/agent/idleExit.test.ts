import assert from 'node:assert/strict';
import type { Clock } from '../../../agent/common/clock.ts';
import { IdleExit } from '../../../agent/idleExit.ts';

/** A clock whose timers fire when the test says so. */
function manualClock() {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimeout(callback) {
      timers.add(callback);
      return { cancel: () => timers.delete(callback) };
    },
  };
  const graceEnds = () => {
    for (const timer of [...timers]) {
      timers.delete(timer);
      timer();
    }
  };
  return { clock, graceEnds, pending: () => timers.size };
}

function idleExit(graceMs: number | undefined) {
  const { clock, graceEnds, pending } = manualClock();
  let left = 0;
  const exit = new IdleExit(graceMs, clock, () => (left += 1));
  return { exit, graceEnds, pending, left: () => left };
}

describe('leaving when idle', () => {
  it('happens after the grace time when no client ever came', () => {
    const { graceEnds, left } = idleExit(1_000);
    assert.equal(left(), 0);
    graceEnds();
    assert.equal(left(), 1);
  });

  it('waits for the runs that are in progress, and then happens at once', () => {
    const { exit, graceEnds, left } = idleExit(1_000);
    exit.setRuns(2);
    graceEnds();
    exit.setRuns(1);
    assert.equal(left(), 0);
    exit.setRuns(0);
    assert.equal(left(), 1);
  });

  it('is not put off by runs that come and go within the grace time', () => {
    const { exit, graceEnds, left } = idleExit(1_000);
    exit.setRuns(1);
    exit.setRuns(0);
    graceEnds();
    assert.equal(left(), 1);
  });

  it('never happens while a client is there, and begins anew when the last one goes', () => {
    const { exit, graceEnds, pending, left } = idleExit(1_000);
    exit.setClients(1);
    assert.equal(pending(), 0);
    exit.setRuns(1);
    exit.setRuns(0);
    assert.equal(left(), 0);
    exit.setClients(0);
    graceEnds();
    assert.equal(left(), 1);
  });

  it('never happens without a grace time, or after the end', () => {
    const headless = idleExit(undefined);
    headless.graceEnds();
    assert.equal(headless.left(), 0);
    const closed = idleExit(1_000);
    closed.exit.close();
    closed.exit.setClients(0);
    closed.graceEnds();
    assert.equal(closed.left(), 0);
  });
});
