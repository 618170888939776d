import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { longAges } from '../../../../agent/cli/longAges.ts';
import { jobsText, jobText } from '../../../../agent/cli/text/jobText.ts';
import { locksText } from '../../../../agent/cli/text/lockText.ts';
import { queuesText } from '../../../../agent/cli/text/queueText.ts';
import { schedulesText } from '../../../../agent/cli/text/scheduleText.ts';
import { simulationText } from '../../../../agent/cli/text/simulationText.ts';
import { statusText } from '../../../../agent/cli/text/statusText.ts';
import { streamsText } from '../../../../agent/cli/text/streamText.ts';
import { styleFor, truncateVisible, visibleLength } from '../../../../agent/cli/text/style.ts';
import { plural, renderTable } from '../../../../agent/cli/text/table.ts';
import {
  agentStatus,
  connectionRow,
  holder,
  isoBefore,
  jobRow,
  lockRow,
  NOW_MS,
  queueRow,
  streamRow,
} from './rows.ts';

const plain = styleFor(false, {});
const coloured = styleFor(true, {});
const MINUTE_MS = 60_000;

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
    assert.match(streamsText([], NOW_MS, plain), /"streams"/);
    assert.match(schedulesText([], NOW_MS, plain), /"schedules"/);
    assert.match(locksText([], NOW_MS, plain), /No lock is held/);
  });

  it('know one from many', () => {
    assert.equal(plural(1, 'job'), '1 job');
    assert.equal(plural(1_234, 'batch', 'batches'), '1,234 batches');
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

  it('give the figures of each connection of a stream', () => {
    const down = connectionRow({ shard: 1, state: 'backing_off', trouble: 'closed with 1006' });
    const rows = [streamRow({ connections: [connectionRow(), down] })];
    const text = streamsText(rows, NOW_MS, plain);
    assert.match(text, /^nse {2}1\/2 connected, 5,678 ticks, 1,234 messages, 20 batches, 1 error/);
    assert.match(text, /0 +live +1,234 +5,678 +1 +4 +2 +300 ms ago +2\n/);
    assert.match(text, /1 +backing off .* closed with 1006$/);
    const away = streamRow({ state: 'elsewhere', connections: [] });
    assert.match(streamsText([away], NOW_MS, plain), /^nse {2}elsewhere by devbox:4711,/);
  });

  it('name the holder of a lock, and whether it died', () => {
    const dead = lockRow({ state: 'holder_dead', holder: holder({ alive: false }) });
    const text = locksText([lockRow(), dead], NOW_MS, plain);
    assert.match(text, /held +devbox:4711 +3 +12 s +1 s ago +1 min 20 s/);
    assert.match(text, /holder dead +devbox:4711 \(dead\)/);
  });

  it('sum up the status, with what goes on for too long', () => {
    const report = {
      ...{ agent: agentStatus({ configTrouble: 'line 3' }), redis: agentStatus().redis },
      ...{ role: 'all', queues: [queueRow({ waiting: 2 })], streams: [streamRow()] },
      ...{ schedulerLock: null, locks: [] },
      agesOverThreshold: longAges([jobRow({ startedAt: isoBefore(31 * MINUTE_MS) })], [], NOW_MS),
    };
    const text = statusText(report, NOW_MS, plain);
    assert.match(text, /Agent +running, process 4711, role all, up 1 min/);
    assert.match(text, /Redis +connected, private at \/s\/redis\.sock, version 7\.0\.15/);
    assert.match(text, /its lock is free/);
    assert.match(text, /not in force: line 3/);
    assert.match(text, /critical: job sync j1 for 31 min/);
  });

  it('judge a race', () => {
    const result = {
      ...{ jobType: 'sync', attempts: 400, accepted: 1, runs: 1, maxConcurrentRuns: 1 },
      ...{ refused: { byLayer: { unique_key: 399 } }, ms: 12, naive: false, processes: 4 },
    };
    assert.match(simulationText([result], plain), /399 by unique_key[^]*and 1 run followed\.$/);
    const broken = { ...result, runs: 2 };
    assert.match(simulationText([broken], plain), /the promise was broken\.$/);
    const naive = { ...result, naive: true, runs: 400, maxConcurrentRuns: 16 };
    assert.match(simulationText([naive], plain), /400 runs followed, up to 16 at one time/);
  });
});

describe('ages over a threshold', () => {
  const job = (minutes: number) => jobRow({ startedAt: isoBefore(minutes * MINUTE_MS) });
  const levels = (rows: ReturnType<typeof longAges>) => rows.map((row) => row.level);

  it('grow from warning to emergency, the oldest first', () => {
    const ages = longAges([job(9), job(10), job(30), job(50)], [], NOW_MS);
    assert.deepEqual(levels(ages), ['emergency', 'critical', 'warning']);
  });

  it('concern locks of runs, not those that a stream or the scheduler holds for good', () => {
    const old = { ageMs: 56 * MINUTE_MS };
    assert.deepEqual(longAges([], [lockRow(old), lockRow({ ...old, kind: 'stream' })], NOW_MS), []);
    const runs = [
      lockRow({ ...old, kind: 'job' }),
      lockRow({ kind: 'run', ageMs: 31 * MINUTE_MS }),
    ];
    assert.deepEqual(levels(longAges([], runs, NOW_MS)), ['emergency', 'warning']);
  });
});
