import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { longAges } from '../../../../agent/cli/gatherStatus.ts';
import { jobsText, jobText } from '../../../../agent/cli/text/jobText.ts';
import { lockLine, locksText } from '../../../../agent/cli/text/lockText.ts';
import { queuesText } from '../../../../agent/cli/text/queueText.ts';
import { leadersText, schedulesText } from '../../../../agent/cli/text/scheduleText.ts';
import { statusText } from '../../../../agent/cli/text/statusText.ts';
import { styleFor, truncateVisible, visibleLength } from '../../../../agent/cli/text/style.ts';
import { plural, renderTable } from '../../../../agent/cli/text/table.ts';
import type {
  AgeAlert,
  LeaderRow,
  LockRow,
  ScheduleRow,
} from '../../../../agent/protocol/model.ts';
import {
  agentStatus,
  holder,
  isoBefore,
  jobRow,
  lockRow,
  NOW_MS,
  queueRow,
  scheduleRow,
  streamRow,
  thresholds,
} from './rows.ts';

const plain = styleFor(false, {});
const coloured = styleFor(true, {});
const MINUTE_MS = 60_000;

const lockPage = (rows: LockRow[], filtered = false) => ({
  ...{ rows, total: rows.length, thresholds, filtered },
});

const alert = (level: AgeAlert['level'], minutes: number): AgeAlert => ({
  ...{ kind: 'job', key: 'default/j1', name: 'sync j1', level },
  since: isoBefore(minutes * MINUTE_MS),
});

describe('colours', () => {
  it('are for terminals that want them', () => {
    assert.notEqual(coloured.bad('x'), 'x');
    assert.equal(styleFor(true, { NO_COLOR: '1' }).bad('x'), 'x');
    assert.equal(styleFor(true, { TERM: 'dumb' }).bad('x'), 'x');
    assert.equal(plain.bad('x'), 'x');
  });

  it('never make a line longer than the terminal', () => {
    const piece = fc.oneof(fc.string(), fc.string().map(coloured.good));
    fc.assert(
      fc.property(fc.array(piece), fc.integer({ min: 1, max: 30 }), (pieces, columns) => {
        const cut = truncateVisible(pieces.join(''), columns);
        assert.ok(visibleLength(cut) <= columns);
      }),
    );
    assert.equal(truncateVisible(coloured.good('abcdef'), 4), '\u001b[32mabc…\u001b[0m');
    assert.equal(truncateVisible(coloured.good('abc'), 3), coloured.good('abc'));
  });
});

describe('tables', () => {
  it('line up, coloured or not', () => {
    const rows = [
      { name: 'a', count: 1 },
      { name: coloured.bad('long'), count: 1_000 },
    ];
    const table = renderTable(
      rows,
      [
        { title: 'name', value: (row) => row.name },
        { title: 'n', value: (row) => String(row.count), align: 'right' },
      ],
      plain,
    );
    assert.equal(table, `name     n\na        1\n${coloured.bad('long')}  1000`);
  });

  it('say what to do when they are empty', () => {
    assert.match(jobsText([], NOW_MS, plain), /interlock enqueue TYPE/);
    assert.match(queuesText([], plain), /interlock\.config\.json/);
    assert.match(schedulesText([], [], NOW_MS, plain), /"schedules"/);
    assert.match(locksText(lockPage([]), NOW_MS, plain), /No lock is held/);
  });

  it('know one from many', () => {
    assert.equal(plural(1, 'job'), '1 job');
    assert.equal(plural(1_234, 'batch', 'batches'), '1,234 batches');
  });
});

type Outside = NonNullable<ScheduleRow['outside']>;

describe('schedules for people', () => {
  const leader = (facts: Partial<LeaderRow> = {}): LeaderRow => ({
    ...{ fence: 7, holder: holder(), since: isoBefore(200_000), until: null, end: 'holds' },
    ...facts,
  });

  it('tell what is next, what was missed, and who is the scheduler', () => {
    const rows = [
      scheduleRow({ name: 'a', missedSlots: 1_200 }),
      scheduleRow({ name: 'b', pausedAt: isoBefore(60_000), nextSlotAt: null, nextSlots: [] }),
      scheduleRow({ name: 'c', skipSlotAt: isoBefore(-10_000) }),
    ];
    const lines = schedulesText(rows, [leader()], NOW_MS, plain).split('\n');
    assert.match(lines[1] ?? '', /^a +sync +every 1 min +in 30 s +- +- +- +1,200$/);
    assert.match(lines[2] ?? '', /^b +.* paused 1 min ago +/);
    assert.match(lines[3] ?? '', /^c +.* skipped, then in 30 s +/);
    assert.equal(lines[5], 'Scheduler: devbox:4711, fence 7, for 3 min 20 s.');
  });

  it('tell a dynamic interval and why it is so', () => {
    const interval = { nowMs: 45_000, minMs: 30_000, maxMs: 600_000, runMs: 4_500, runs: 3 };
    const text = (row: ScheduleRow) => schedulesText([row], [], NOW_MS, plain);
    assert.match(
      text(scheduleRow({ interval })),
      /^nightly comes every 45 s now: runs take 4 s \(mean of 3\), 10 times that within its/m,
    );
    const unknown = { ...interval, runMs: null, runs: 0 };
    assert.match(text(scheduleRow({ interval: unknown })), /now: no run is measured yet\.$/m);
  });

  it('tell those of other BullMQ programs, and why one is stuck', () => {
    const row = (state: Outside['state'], name: string) =>
      scheduleRow({
        ...{ name, nextSlotAt: null, nextSlots: [] },
        outside: { queue: 'emails', state, made: 3, limit: null, endsAt: null },
      });
    const rows = [row('waits', 'emails/a'), row('ended', 'emails/b'), row('stuck', 'emails/c')];
    const lines = schedulesText(rows, [], NOW_MS, plain).split('\n');
    assert.match(lines[1] ?? '', /^emails\/a +sync +every 1 min +its job waits .* BullMQ /);
    assert.match(lines[2] ?? '', / ended .* BullMQ /);
    assert.match(lines[3] ?? '', / stuck .* BullMQ /);
    assert.match(lines[5] ?? '', /^emails\/c is stuck: .* has to call upsertJobScheduler again\.$/);
    assert.equal(lines.length, 6);
  });

  it('tell how the leaders before ended', () => {
    const until = isoBefore(100_000);
    assert.deepEqual(
      leadersText(
        [
          leader({ fence: 9 }),
          leader({ fence: 8, end: 'died', until }),
          leader({ fence: 7, end: 'released', until }),
          leader({ fence: 6, end: 'lost' }),
        ],
        NOW_MS,
      ).split('\n'),
      [
        'Scheduler: devbox:4711, fence 9, for 3 min 20 s.',
        'Before: devbox:4711, fence 8, which died after 1 min 40 s.',
        'Before: devbox:4711, fence 7, which gave it back 1 min 40 s ago after 1 min 40 s.',
        'Before: devbox:4711, fence 6, which lost it.',
      ],
    );
    assert.match(leadersText([], NOW_MS), /Nobody/);
  });
});

describe('rows for people', () => {
  it('tell of a job what matters in its state', () => {
    const line = (facts: Parameters<typeof jobRow>[0]) =>
      jobsText([jobRow(facts)], NOW_MS, plain).split('\n')[1] ?? '';
    assert.match(line({}), /waiting +waits for 5 s/);
    assert.match(
      line({ state: 'active', startedAt: isoBefore(2_000), progress: 50 }),
      /active +runs for 2 s +0\/1 +50 %/,
    );
    const outside = { worker: 'invoices', address: null, lockEndsAt: isoBefore(-9_000) };
    const theirs = { state: 'active', startedAt: isoBefore(2_000), outside } as const;
    assert.match(line(theirs), /runs for 2 s outside Interlock/);
    assert.match(
      jobText(
        { ...jobRow(theirs), data: {}, result: null, stacktrace: [], logs: [] },
        NOW_MS,
        plain,
      ),
      /worker +worker "invoices", not started by Interlock; its lock ends in 9 s unless/,
    );
    const ended = { startedAt: isoBefore(4_000), finishedAt: isoBefore(3_000) };
    assert.match(
      line({ state: 'failed', ...ended, failedReason: 'no\nroute' }),
      /failed +3 s ago, took 1 s .* no$/,
    );
    assert.match(line({ state: 'delayed', dueAt: isoBefore(-9_000) }), /due in 9 s/);
    assert.match(line({ dataPreview: 'x'.repeat(60) }), /x{39}…$/);
  });

  it('show a job with result, error and log, and cut what is too long', () => {
    const text = jobText(
      {
        ...jobRow({ state: 'failed', finishedAt: isoBefore(0), failedReason: 'no route' }),
        ...{ data: { big: 'x'.repeat(5_000) }, result: null },
        ...{ stacktrace: ['Error: no route\n  at a.ts:1'], logs: ['one', 'two'] },
      },
      NOW_MS,
      plain,
    );
    assert.match(text, /x… \(all of it with --json\)/);
    assert.match(text, /failed +no route/);
    assert.match(text, /Stack\n {2}Error: no route\n {4}at a\.ts:1/);
    assert.match(text, /Log\n {2}one\n {2}two$/);
  });

  it('name the holder of a lock, and whether it died', () => {
    const dead = lockRow({ state: 'holder_dead', holder: holder({ alive: false }) });
    const text = locksText(lockPage([lockRow(), dead]), NOW_MS, plain);
    assert.match(text, /held +devbox:4711 +3 +12 s +1 s ago +1 min 20 s/);
    assert.match(text, /holder dead +devbox:4711 \(dead\)/);
  });

  it('name the job that has a uniqueness key, and put a dash where nothing is known', () => {
    const job = { queue: 'default', id: 'j7', type: 'sync' };
    const unknown = { holder: null, fence: null, renewedAt: null, ageMs: null, ttlMs: null };
    const rows = [
      lockRow({ kind: 'dedup', name: 'dedup:default/sync|[]', job, ...unknown, ageMs: 2_000 }),
      lockRow({ kind: 'watched', name: 'watched:redlock:x', ...unknown }),
    ];
    const text = locksText(lockPage(rows), NOW_MS, plain);
    assert.match(text, /dedup +held +job j7 +- +2 s +- +-$/m);
    assert.match(text, /watched +held +- +- +- +- +-$/m);
  });

  it('tell the age of a lock with its level, in its colour', () => {
    const run = (minutes: number) => lockRow({ kind: 'run', ageMs: minutes * MINUTE_MS });
    const text = locksText(lockPage([run(31), run(56)]), NOW_MS, coloured);
    assert.ok(text.includes(coloured.warning('31 min, warning')), text);
    assert.ok(text.includes(coloured.bad('56 min, emergency')), text);
    const stream = lockRow({ kind: 'stream', ageMs: 56 * MINUTE_MS });
    assert.doesNotMatch(locksText(lockPage([stream]), NOW_MS, plain), /emergency/);
  });

  it('say how many locks there are beside those that are shown, and that none matches', () => {
    const page = { ...lockPage([lockRow()], true), total: 10_000 };
    assert.match(locksText(page, NOW_MS, plain), /\n1 of 10,000 are shown: see --limit/);
    assert.equal(locksText(lockPage([], true), NOW_MS, plain), 'No lock matches.');
  });

  it('say in one line who has a lock now', () => {
    assert.equal(
      lockLine(lockRow({ state: 'paused' }), NOW_MS, plain),
      'scheduler:global_lock is held by devbox:4711 (paused), for 12 s, renewed 1 s ago, fence 3',
    );
    const watched = lockRow({
      ...{ kind: 'watched', name: 'watched:x', holder: null, fence: null },
      ...{ renewedAt: null, ageMs: null },
    });
    assert.equal(
      lockLine(watched, NOW_MS, plain),
      'watched:x is held by a holder that is not known here',
    );
  });

  it('sum up the status, with what goes on for too long', () => {
    const report = {
      ...{ agent: agentStatus({ configTrouble: 'line 3' }), redis: agentStatus().redis },
      ...{ role: 'all', queues: [queueRow({ waiting: 2 })], streams: [streamRow()] },
      ...{ schedulerLock: null, locks: [], agents: [] },
      agesOverThreshold: longAges(
        agentStatus({ alerts: [alert('critical', 31), { ...alert('warning', 11), kind: 'lock' }] }),
      ),
    };
    const text = statusText(report, NOW_MS, plain);
    assert.match(text, /Agent +running, process 4711, role all, up 1 min/);
    assert.match(text, /Redis +connected, private at \/s\/redis\.sock, version 7\.0\.15/);
    assert.match(text, /its lock is free/);
    assert.match(text, /not in force: line 3/);
    assert.match(text, /critical: job sync j1 for 31 min\nwarning: lock sync j1 for 11 min$/);
    const shown = statusText(report, NOW_MS, coloured);
    assert.ok(shown.includes(coloured.bad('critical: job sync j1 for 31 min')));
    assert.ok(shown.includes(coloured.warning('warning: lock sync j1 for 11 min')));
  });
});
