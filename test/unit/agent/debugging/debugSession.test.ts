import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  debugProgress,
  pausedMsAt,
  STARTING,
  type DebugEvent,
  type DebugProgress,
} from '../../../../agent/debugging/debugSession.ts';

const run = (events: DebugEvent[], from: DebugProgress = STARTING) =>
  events.reduce(debugProgress, from);

const begun: DebugEvent[] = [{ kind: 'inspector_open' }, { kind: 'attached' }];
const paused = (nowMs: number): DebugEvent => ({ kind: 'paused', at: 'a.ts:1', nowMs });
const resumed = (nowMs: number): DebugEvent => ({ kind: 'resumed', nowMs });

describe('a debugged run, step by step', () => {
  it('waits for its process, and for the debugger', () => {
    assert.deepEqual(
      begun.map((_, index) => run(begun.slice(0, index + 1)).phase.kind),
      ['ready', 'running'],
    );
  });

  it('adds its pauses up, the one that goes on too', () => {
    const twice = run([...begun, paused(100), resumed(150), paused(200)]);
    assert.deepEqual([twice.pausedMs, pausedMsAt(twice, 230)], [50, 80]);
    assert.equal(run([{ kind: 'ended', nowMs: 300 }], twice).pausedMs, 150);
  });

  it('keeps a pause whose debugger has left until it is released', () => {
    const left = run([...begun, paused(100), { kind: 'debugger_left' }]);
    assert.equal(left.phase.kind, 'left');
    const released = run([{ kind: 'released', nowMs: 400 }], left);
    assert.deepEqual([released.phase.kind, released.pausedMs], ['undebugged', 300]);
  });

  it('goes on without a debugger that left while it ran', () => {
    assert.equal(run([...begun, { kind: 'debugger_left' }]).phase.kind, 'undebugged');
  });

  it('shows the place that the editor knows, while it is paused', () => {
    const placed = run([...begun, paused(1), { kind: 'placed', at: 'b.ts:9' }]).phase;
    assert.ok(placed.kind === 'paused');
    assert.equal(placed.at, 'b.ts:9');
  });

  it('never goes on after its end, and never pauses for less than no time', () => {
    const now = fc.nat({ max: 1_000 });
    const event: fc.Arbitrary<DebugEvent> = fc.oneof(
      fc.constantFrom<DebugEvent>(...begun, { kind: 'debugger_left' }, { kind: 'placed', at: 'x' }),
      now.map(paused),
      now.map(resumed),
      now.map((nowMs): DebugEvent => ({ kind: 'released', nowMs })),
    );
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (before, after) => {
        const ended = run([...before, { kind: 'ended', nowMs: 1_000 }]);
        assert.equal(ended.phase.kind, 'ended');
        assert.ok(ended.pausedMs >= 0);
        assert.deepEqual(run(after, ended), ended);
      }),
    );
  });
});
