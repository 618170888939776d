import assert from 'node:assert/strict';
import type { CliIo } from '../../../../agent/cli/cliIo.ts';
import { Interrupts } from '../../../../agent/cli/interrupts.ts';
import { renderLine, renderScreen, schedulerLock } from '../../../../agent/cli/live/liveScreen.ts';
import { ScreenPainter } from '../../../../agent/cli/live/screenPainter.ts';
import { applyDelta } from '../../../../agent/cli/live/stateMirror.ts';
import { countState, startFigures, totalJobs } from '../../../../agent/cli/live/upFigures.ts';
import { upSummary } from '../../../../agent/cli/live/upSummary.ts';
import { styleFor, visibleLength } from '../../../../agent/cli/text/style.ts';
import { systemClock } from '../../../../agent/common/clock.ts';
import { FakeIo } from './fakeIo.ts';
import {
  connectionRow,
  decision,
  isoBefore,
  jobRow,
  lockRow,
  NOW_MS,
  queueRow,
  snapshot,
  streamRow,
} from './rows.ts';

const state = snapshot({
  queues: { default: queueRow({ completed: 1_500, failed: 2, active: 1, waiting: 3 }) },
  jobs: { 'default/j1': jobRow({ state: 'active', startedAt: isoBefore(4_000), progress: 25 }) },
  streams: { nse: streamRow() },
  locks: { 'scheduler:global_lock': lockRow() },
  decisions: { '1-0': decision({ outcome: 'already_queued', reason: 'unique_key', key: 'main' }) },
});
const view = { state, nowMs: NOW_MS, elapsedMs: 12_000, hint: 'Ctrl+C stops' };

describe('the mirror of the agent’s state', () => {
  it('sets and removes rows, and leaves the state before as it was', () => {
    const set = applyDelta(state, {
      seq: 2,
      changes: [
        { collection: 'jobs', key: 'default/j2', row: jobRow({ id: 'j2' }) },
        { collection: 'streams', key: 'nse', row: null },
      ],
    });
    assert.deepEqual(Object.keys(set?.jobs ?? {}), ['default/j1', 'default/j2']);
    assert.deepEqual(set?.streams, {});
    assert.equal(set.seq, 2);
    assert.deepEqual(Object.keys(state.jobs), ['default/j1']);
  });

  it('does not take a delta after a gap', () => {
    assert.equal(applyDelta(state, { seq: 3, changes: [] }), undefined);
    assert.equal(applyDelta(state, { seq: 1, changes: [] }), undefined);
  });
});

describe('the figures of up', () => {
  it('count each decision once, and none from before', () => {
    const start = startFigures(NOW_MS - 2_000);
    const old = decision({ at: isoBefore(3_000) });
    const one = countState(start, snapshot({ decisions: { a: decision(), old } }));
    const two = countState(one, snapshot({ decisions: { a: decision(), b: decision() } }));
    assert.deepEqual(two.decisions, { accepted: 2 });
  });

  it('keep the start of the first run, also when its row is gone', () => {
    const start = startFigures(NOW_MS - 10_000);
    const before = jobRow({ startedAt: isoBefore(20_000) });
    const later = jobRow({ startedAt: isoBefore(3_000) });
    const first = jobRow({ startedAt: isoBefore(4_000) });
    let figures = countState(start, snapshot({ jobs: { before } }));
    assert.equal(figures.firstRunAtMs, null);
    figures = countState(figures, snapshot({ jobs: { later, first } }));
    figures = countState(figures, snapshot({ jobs: {} }));
    assert.equal(figures.firstRunAtMs, NOW_MS - 4_000);
    assert.equal(upSummary(20_000, figures, undefined, state, NOW_MS).firstJobRunMs, 6_000);
  });

  it('sum over queues, prioritized ones as waiting', () => {
    const rows = [queueRow({ waiting: 1, prioritized: 2, failed: 1 }), queueRow({ completed: 5 })];
    assert.deepEqual(totalJobs(rows), { completed: 5, failed: 1, active: 0, waiting: 3 });
  });

  it('fall back on the last known state when the agent is gone', () => {
    const summary = upSummary(1_000, startFigures(0), undefined, state, NOW_MS);
    assert.deepEqual(summary.jobs, { completed: 1_500, failed: 2, active: 1, waiting: 3 });
    assert.equal(summary.schedulerLock?.fence, 3);
    assert.equal(summary.redis.version, '7.0.15');
    const nothing = upSummary(1_000, startFigures(0), undefined, snapshot({ agent: {} }), NOW_MS);
    assert.equal(nothing.redis.state, 'unreachable');
  });
});

describe('the live screen', () => {
  const plain = styleFor(false, {});

  it('shows streams, queues, runs, the scheduler lock and decisions', () => {
    const screen = renderScreen(view, { columns: 200, rows: 60 }, plain).join('\n');
    for (const part of [
      /^Interlock {2}\/w {2}12 s, Ctrl\+C stops\n/,
      /Scheduler {2}scheduler:global_lock held by devbox:4711, age 12 s, fence 3/,
      /nse {2}1\/1 connected at \d\d:\d\d:\d\d, 1,234 messages, 1 error, 5,678 ticks/,
      /0 +● live +1,234/,
      /default +open +3 +1 +0 +2 +1,500 +sync/,
      /sync +j1 +4 s +25 %/,
      /already queued +enqueue sync \(main\) +unique_key +1 s ago/,
    ]) {
      assert.match(screen, part);
    }
  });

  it('shows of a stream with many connections the troubled ones, and counts the others', () => {
    const connections = Array.from({ length: 400 }, (_, shard) =>
      connectionRow({
        ...{ shard, reconnectAttempts: 0 },
        state: shard === 77 ? 'suspended' : shard < 5 ? 'backing_off' : 'live',
      }),
    );
    const many = snapshot({ streams: { nse: streamRow({ connections, connected: 394 }) } });
    const size = { columns: 200, rows: 60 };
    const screen = renderScreen({ ...view, state: many }, size, plain);
    const first = screen.findIndex((line) => line.includes('shard'));
    assert.match(screen[first + 1] ?? '', /^ +77 +○ suspended/);
    assert.match(screen[first + 2] ?? '', /^ +0 +◐ backing off/);
    assert.match(screen[first + 9] ?? '', /^ {2}and 392 more live$/);
  });

  it('fits the terminal', () => {
    const lines = renderScreen(view, { columns: 40, rows: 10 }, styleFor(true, {}));
    assert.equal(lines.length, 9);
    for (const line of lines) assert.ok(visibleLength(line) <= 40);
  });

  it('says the same in one line', () => {
    assert.equal(
      renderLine(view),
      '12 s | streams 1/1 connected, 5,678 ticks | jobs 1,500 completed, 2 failed, 1 active, 3 waiting | scheduler:global_lock held by devbox:4711, age 12 s, fence 3',
    );
  });

  it('lets the age of the lock go on between two deltas', () => {
    assert.equal(schedulerLock(state, NOW_MS + 5_000)?.ageMs, 17_000);
    assert.equal(schedulerLock(snapshot(), NOW_MS), null);
  });

  it('is drawn over itself, and afresh when the width changes', () => {
    const written: string[] = [];
    const sink = {
      write: (text: string) => void written.push(text),
      isTerminal: true,
      columns: 80,
      rows: 24,
    };
    const painter = new ScreenPainter(sink);
    painter.paint(['a', 'b']);
    painter.paint(['c']);
    sink.columns = 60;
    painter.paint(['d']);
    painter.end();
    assert.ok(written[0]?.startsWith('\u001b[?25l'), 'hides the cursor');
    assert.equal(written[1], '\u001b[2A\r\u001b[2Kc\n\u001b[0J');
    assert.ok(written[2]?.startsWith('\u001b[H\u001b[2J'), 'clears all of it');
    assert.equal(written[3], '\u001b[?25h');
  });
});

describe('interrupts', () => {
  it('ask first, end at the second, and take two at one time for one', () => {
    let nowMs = 0;
    let interrupt: () => void = () => assert.fail('nobody listens');
    let ended = 0;
    const io: CliIo = Object.assign(new FakeIo(), {
      clock: { ...systemClock, monotonic: () => nowMs },
      onInterrupt: (listener: () => void) => {
        interrupt = listener;
        return { dispose: () => undefined };
      },
    });
    const interrupts = new Interrupts(io, () => (ended += 1));
    interrupt();
    nowMs = 100;
    interrupt();
    assert.equal(interrupts.signal.aborted, true);
    assert.equal(ended, 0);
    nowMs = 1_000;
    interrupt();
    assert.equal(ended, 1);
  });
});
