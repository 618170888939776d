import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Statistics } from '../../../../agent/cli/statistics/gatherStatistics.ts';
import { standsOut } from '../../../../agent/cli/statistics/standsOut.ts';
import {
  spreadOf,
  typeStatistics,
  type TypeStatistics,
} from '../../../../agent/cli/statistics/typeStatistics.ts';
import { statisticsText } from '../../../../agent/cli/text/statisticsText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import type { Decision } from '../../../../agent/protocol/decision.ts';
import type { RunRow } from '../../../../agent/protocol/model.ts';
import { decision, isoBefore, NOW_MS, scheduleRow } from './rows.ts';

const HOUR_MS = 3_600_000;
const plain = styleFor(false, {});

const run = (durationMs: number, facts: Partial<RunRow> = {}): RunRow => ({
  ...{ id: '1-0', jobId: 'j', queue: 'default', type: 'sync', key: null, status: 'completed' },
  ...{ startedAt: isoBefore(9_000), endedAt: isoBefore(5_000), durationMs, pausedMs: 0 },
  ...{ waitedMs: 100, worker: null, schedule: null, fence: null, attempt: 1, error: null },
  ...facts,
});
const refusal = (key: string | null, facts: Partial<Decision> = {}): Decision =>
  decision({ subject: 'sync', key, outcome: 'already_running', reason: 'unique_key', ...facts });

function one(
  runs: RunRow[],
  refusals: Decision[] = [],
  lengthMs: number = HOUR_MS,
): TypeStatistics {
  const [row, ...others] = typeStatistics({ runs, refusals, lengthMs });
  assert.ok(row !== undefined && others.length === 0);
  return row;
}

describe('statistics of job types', () => {
  it('tell how often, how long and how busy', () => {
    const row = one([run(10 * 60_000), run(20 * 60_000, { waitedMs: null })], [], 2 * HOUR_MS);
    assert.deepEqual([row.runs, row.runsPerHour, row.busy], [2, 1, 0.25]);
    assert.deepEqual(row.runMs, { p50: 600_000, p95: 1_200_000, max: 1_200_000 });
    assert.deepEqual(row.waitedMs, { p50: 100, p95: 100, max: 100 });
  });

  it('count what failed against what ended, and name why', () => {
    const failed = (error: string | null) => run(5, { status: 'failed', error });
    const row = one([
      ...[failed('no route\n  at x'), failed('no route'), failed(null), run(5)],
      ...[run(5, { status: 'skipped' }), run(5, { status: 'lost' })],
    ]);
    assert.equal(row.failedShare, 0.75);
    assert.deepEqual(row.byStatus, { failed: 3, completed: 1, skipped: 1, lost: 1 });
    assert.deepEqual(row.errors, [
      { what: 'no route', count: 2 },
      { what: 'no reason told', count: 1 },
    ]);
  });

  it('count refusals by reason and by key, also of a type that never ran', () => {
    const row = one(
      [],
      [refusal('a'), refusal('b'), refusal('b', { reason: 'concurrency_limit' })],
    );
    assert.deepEqual([row.runs, row.failedShare, row.runMs, row.busy], [0, null, null, 0]);
    assert.deepEqual(row.refusals, { unique_key: 2, concurrency_limit: 1 });
    assert.deepEqual(row.keys, [
      { what: 'b', count: 2 },
      { what: 'a', count: 1 },
    ]);
  });

  it('have the busiest type first', () => {
    const runs = [run(1), run(500, { type: 'slow' }), run(1, { type: 'a' })];
    const rows = typeStatistics({ runs, refusals: [], lengthMs: HOUR_MS });
    assert.deepEqual(
      rows.map(({ type }) => type),
      ['slow', 'a', 'sync'],
    );
  });

  it('give measured values as a spread, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
        const spread = spreadOf(values);
        assert.ok(spread !== null);
        const { p50, p95, max } = spread;
        assert.ok(p50 <= p95 && p95 <= max && max === Math.max(...values));
        assert.ok(values.includes(p50) && values.includes(p95));
        assert.ok(values.filter((value) => value <= p95).length >= values.length * 0.95);
      }),
    );
    assert.equal(spreadOf([]), null);
  });
});

describe('what stands out in statistics', () => {
  const every = (ms: number, job = 'sync') =>
    scheduleRow({
      ...{ name: 'often', job },
      nextSlots: [0, 1, 2].map((slot) => new Date(NOW_MS + slot * ms).toISOString()),
    });

  it('is nothing where all is well', () => {
    assert.deepEqual(standsOut(one([run(500)]), [every(60_000)]), []);
  });

  it('is a run that takes longer than its schedule allows', () => {
    const [sentence, ...others] = standsOut(one([run(95_000)]), [every(1_000, 'x'), every(60_000)]);
    assert.match(
      sentence ?? '',
      /^sync: its runs take up to 1 min 35 s .* often comes every 1 min\./,
    );
    assert.deepEqual(others, []);
  });

  it('is a wait that is longer than the run', () => {
    const waits = (waitedMs: number) => standsOut(one([run(3_000, { waitedMs })]), []);
    assert.match(waits(40_000)[0] ?? '', /wait for up to 40 s \(95 %\), to run for 3 s\. Raise/);
    assert.deepEqual(waits(9_000), []);
  });

  it('is a type that often fails, with its most frequent reason', () => {
    const failed = Array.from({ length: 5 }, () => run(1, { status: 'failed', error: 'no route' }));
    const [sentence] = standsOut(one([...failed, ...Array.from({ length: 5 }, () => run(1))]), []);
    assert.equal(sentence, 'sync: 50 % of its runs fail. 5 times: no route');
    assert.deepEqual(standsOut(one(failed.slice(0, 4)), []), []);
  });

  it('is a run that was lost', () => {
    const [sentence] = standsOut(one([run(1, { status: 'lost' })]), []);
    assert.match(sentence ?? '', /^sync: 1 run was lost, .*history --status lost/);
  });
});

describe('statistics for people', () => {
  const statistics = (facts: Partial<Statistics>): Statistics => ({
    ...{ from: isoBefore(HOUR_MS), to: isoBefore(0), runsFrom: null, decisionsFrom: null },
    ...{ types: [], standsOut: [], ...facts },
  });

  it('are a table, what stands out, and since when it is known', () => {
    const types = [one([run(4_000), run(9_000, { status: 'failed' })], [refusal('main')])];
    const runsFrom = '2026-01-31T08:00:00.000Z';
    const lines = statisticsText(
      statistics({ types, runsFrom, standsOut: ['sync: it is slow.'] }),
      plain,
    ).split('\n');
    assert.match(lines[0] ?? '', /^job type +runs +per hour +busy +failed/);
    assert.match(
      lines[1] ?? '',
      /^sync +2 +2\.0 +0\.00 +50 % +4 s \/ 9 s \/ 9 s +100 ms \/ 100 ms \/ 100 ms +1 unique_key \(main 1\)$/,
    );
    assert.deepEqual(lines.slice(2), [
      ...['', 'sync: it is slow.', '', 'Runs are known since 2026-01-31 08:00:00 UTC.'],
    ]);
  });

  it('say so when there is nothing', () => {
    assert.match(statisticsText(statistics({}), plain), /^No run ended and no job was refused/);
  });
});
