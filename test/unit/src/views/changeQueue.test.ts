import assert from 'node:assert/strict';
import type { Clock } from '../../../../agent/common/clock.ts';
import { ChangeQueue } from '../../../../src/views/changeQueue.ts';

/** A clock that a test moves. */
class ManualClock implements Clock {
  private nowMs = 0;
  private timers: { dueMs: number; run: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  setTimeout(run: () => void, delayMs: number): { cancel(): void } {
    const timer = { dueMs: this.nowMs + delayMs, run };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((one) => one !== timer)) };
  }

  moveTo(ms: number): void {
    for (;;) {
      const next = this.timers.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > ms) break;
      this.timers.shift();
      this.nowMs = next.dueMs;
      next.run();
    }
    this.nowMs = ms;
  }
}

describe('ChangeQueue', () => {
  const a = { name: 'a' };
  const b = { name: 'b' };

  function setUp() {
    const clock = new ManualClock();
    const fired: { atMs: number; names: string }[] = [];
    const queue = new ChangeQueue<{ name: string }>(
      clock,
      () => 1_000,
      (changed) => {
        const names = changed === undefined ? 'all' : changed.map(({ name }) => name).join();
        fired.push({ atMs: clock.now(), names });
      },
    );
    return { clock, fired, queue };
  }

  it('fires a burst once, each node once', () => {
    const { clock, fired, queue } = setUp();
    for (let ms = 0; ms < 90; ms += 10) {
      clock.moveTo(ms);
      queue.add(a, 'calm');
      queue.add(b, 'calm');
    }
    clock.moveTo(150);
    assert.deepEqual(fired, [{ atMs: 100, names: 'a,b' }]);
  });

  it('fires the whole tree alone', () => {
    const { clock, fired, queue } = setUp();
    queue.add(a, 'calm');
    queue.add(undefined, 'calm');
    clock.moveTo(100);
    assert.deepEqual(fired, [{ atMs: 100, names: 'all' }]);
  });

  it('redraws a busy node once a second, and loses no change', () => {
    const { clock, fired, queue } = setUp();
    for (let ms = 0; ms <= 2_500; ms += 50) {
      clock.moveTo(ms);
      queue.add(a, 'calm');
    }
    clock.moveTo(10_000);
    assert.deepEqual(
      fired.map(({ atMs }) => atMs),
      [100, 1_100, 2_100, 3_100],
    );
  });

  it('does not let a busy node hold up what is urgent', () => {
    const { clock, fired, queue } = setUp();
    queue.add(a, 'calm');
    clock.moveTo(150);
    queue.add(a, 'calm');
    queue.add(a, 'now');
    queue.add(b, 'calm');
    clock.moveTo(300);
    assert.deepEqual(fired.at(-1), { atMs: 250, names: 'a,b' });
  });

  it('fires nothing after it was cleared', () => {
    const { clock, fired, queue } = setUp();
    queue.add(a, 'now');
    queue.clear();
    clock.moveTo(5_000);
    assert.deepEqual(fired, []);
  });
});
