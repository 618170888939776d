import assert from 'node:assert/strict';
import { monitorRows, type MonitorFacts } from '../../../../agent/cli/gatherMonitor.ts';
import { historyText } from '../../../../agent/cli/text/historyText.ts';
import { monitorText } from '../../../../agent/cli/text/monitorText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import type { RunRow, ScheduleRow } from '../../../../agent/protocol/model.ts';
import {
  agentStatus,
  decision,
  holder,
  isoBefore,
  jobRow,
  NOW_MS,
  scheduleRow,
  thresholds,
} from './rows.ts';

const plain = styleFor(false, {});
const coloured = styleFor(true, {});
const MINUTE_MS = 60_000;

const runRow = (facts: Partial<RunRow> = {}): RunRow => ({
  ...{ id: '1-0', jobId: 'j1', queue: 'default', type: 'sync', key: 'main', status: 'completed' },
  ...{ startedAt: isoBefore(9_000), endedAt: isoBefore(5_000), durationMs: 4_000, pausedMs: 0 },
  waitedMs: null,
  ...{ worker: holder(), schedule: null, fence: 7, attempt: 1, error: null, ...facts },
});

const running = (minutes: number): RunRow =>
  runRow({ status: 'running', endedAt: null, durationMs: minutes * MINUTE_MS });

describe('the history of runs', () => {
  const lines = (rows: RunRow[], style = plain) =>
    historyText(rows, rows.length, thresholds, style).split('\n').slice(1);

  it('tells start, duration, status, what, worker, schedule, fence and why', () => {
    const failed = runRow({ status: 'failed', schedule: 'nightly', error: 'no route\n  at a.ts' });
    assert.match(
      lines([failed])[0] ?? '',
      /^2026-01-31 09:14:51 +4 s +failed +sync \[main\] +devbox:4711 +nightly +7 +no route$/,
    );
    const bare = runRow({ key: null, worker: null, fence: null, error: 'x'.repeat(90) });
    assert.match(lines([bare])[0] ?? '', /completed +sync +- +- +- +x{59}…$/);
    const gone = runRow({ status: 'lost', worker: holder({ alive: false }) });
    assert.match(lines([gone])[0] ?? '', /lost .*devbox:4711 \(dead\)/);
  });

  it('gives the age of a run that goes on its level, and that of an ended one none', () => {
    const [young, old, ended] = lines([running(9), running(30), runRow({ durationMs: 4e6 })]);
    assert.match(young ?? '', / 9 min +running/);
    assert.match(old ?? '', / 30 min, critical +running/);
    assert.match(ended ?? '', / 1 h 6 min +completed/);
    assert.ok(lines([running(10)], coloured)[0]?.includes(coloured.warning('10 min, warning')));
    assert.ok(lines([running(50)], coloured)[0]?.includes(coloured.bad('50 min, emergency')));
  });

  it('says how many more there are', () => {
    assert.equal(historyText([], 0, thresholds, plain), 'No run matches.');
    assert.match(historyText([runRow()], 5, thresholds, plain), /\nand 4 more; --limit and --off/);
    assert.doesNotMatch(historyText([runRow()], 1, thresholds, plain), /more/);
  });
});

describe('the monitor', () => {
  const type = (name: string, maxConcurrent: number | null = null) => ({
    ...{ name, queue: 'default', file: '/w/x.ts', maxConcurrent },
  });
  const slot = (job: string, nextSlotAt: string | null): ScheduleRow =>
    scheduleRow({ name: `${job} ${nextSlotAt}`, job, nextSlotAt });
  const facts = (more: Partial<MonitorFacts> = {}): MonitorFacts => ({
    agent: agentStatus({ jobTypes: [type('sync', 3), type('idle')] }),
    active: [],
    ...{ queued: [], queuedAtLeast: false, runs: [], decisions: [], schedules: [], ...more },
  });
  const busy = facts({
    active: [
      jobRow({ state: 'active', startedAt: isoBefore(31 * MINUTE_MS) }),
      jobRow({ state: 'active', startedAt: isoBefore(2 * MINUTE_MS) }),
      jobRow({ state: 'active', type: 'other', startedAt: isoBefore(99 * MINUTE_MS) }),
    ],
    queued: [jobRow(), jobRow({ type: 'other' })],
    runs: [
      running(31),
      runRow({ status: 'failed' }),
      runRow(),
      runRow(),
      runRow({ type: 'other' }),
    ],
    decisions: [
      decision(),
      decision({ outcome: 'already_queued', reason: 'unique_key' }),
      decision({ outcome: 'refused', reason: 'concurrency_limit' }),
      decision({ outcome: 'already_running', reason: 'unique_key' }),
      decision({ subject: 'other', outcome: 'refused', reason: 'unknown_type' }),
    ],
    schedules: [
      slot('sync', isoBefore(-90_000)),
      slot('sync', isoBefore(-30_000)),
      slot('other', isoBefore(-5_000)),
      slot('sync', null),
    ],
  });

  it('counts for each declared type what is its own', () => {
    const [sync, idle] = monitorRows(busy);
    assert.deepEqual(sync, {
      ...{ at: isoBefore(0), type: 'sync', queue: 'default', queued: 1, queuedAtLeast: false },
      ...{ running: 2, limit: 3, oldestRunMs: 31 * MINUTE_MS, oldestRunLevel: 'critical' },
      lastRun: {
        ...{ status: 'failed', startedAt: isoBefore(9_000), endedAt: isoBefore(5_000) },
        ...{ durationMs: 4_000, error: null },
      },
      ...{ runs: { failed: 1, completed: 2 }, accepted: 1 },
      refusals: { unique_key: 2, concurrency_limit: 1 },
      nextSlotAt: isoBefore(-30_000),
    });
    assert.deepEqual(idle, {
      ...{ at: isoBefore(0), type: 'idle', queue: 'default', queued: 0, queuedAtLeast: false },
      ...{ running: 0, limit: null, oldestRunMs: null, oldestRunLevel: 'normal', lastRun: null },
      ...{ runs: {}, accepted: 0, refusals: {}, nextSlotAt: null },
    });
  });

  it('is a line for each type', () => {
    const [, sync, idle] = monitorText(monitorRows(busy), NOW_MS, plain).split('\n');
    assert.match(
      sync ?? '',
      /^sync +1 +2 +3 full +31 min, critical +failed 5 s ago, took 4 s +in 30 s +2 unique_key, 1 concurrency_limit +1 +2 completed, 1 failed$/,
    );
    assert.match(idle ?? '', /^idle +0 +0 +- +- +- +- +0$/);
    const cut = monitorRows(facts({ queued: [jobRow()], queuedAtLeast: true }));
    assert.match(monitorText(cut, NOW_MS, plain), /^sync +1\+ +0 +3 +-/m);
    assert.match(monitorText([], NOW_MS, plain), /No job type is declared/);
  });

  it('gives the oldest run the colour of its level', () => {
    const text = monitorText(monitorRows(busy), NOW_MS, coloured);
    assert.ok(text.includes(coloured.bad('31 min, critical')));
  });
});
