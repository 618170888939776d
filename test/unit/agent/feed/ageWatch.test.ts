import assert from 'node:assert/strict';
import { pino } from 'pino';
import * as z from 'zod';
import { deferred } from '../../../../agent/common/deferred.ts';
import { AgeWatch } from '../../../../agent/feed/ageWatch.ts';
import type { AgeAlert, JobRow, LockRow } from '../../../../agent/protocol/model.ts';
import { jobRow, lockRow, thresholds } from '../cli/rows.ts';
import { ManualClock, settle } from '../streams/manualClock.ts';

const MINUTE_MS = 60_000;

const logLine = z.looseObject({ msg: z.string() });

describe('the watch over ages', () => {
  let clock: ManualClock;
  let watch: AgeWatch;
  let active: JobRow[];
  let locks: LockRow[];
  let told: AgeAlert[];
  let lines: z.infer<typeof logLine>[];
  let looks: number[];
  let fails: boolean;
  /** Redis answers when it settles. */
  let answer: Promise<void>;

  /** A job that has been running for so long. */
  const run = (minutes: number, facts: Partial<JobRow> = {}) =>
    jobRow({
      ...{ state: 'active', startedAt: new Date(clock.now() - minutes * MINUTE_MS).toISOString() },
      ...facts,
    });
  const open = (over: Partial<typeof thresholds> = {}) => {
    watch = new AgeWatch({
      ...{ thresholds: { ...thresholds, ...over }, clock },
      isDebugged: (job) => job?.id === 'debugged',
      logger: pino(
        { level: 'info' },
        { write: (line: string) => void lines.push(logLine.parse(JSON.parse(line))) },
      ),
      nowMs: async () => {
        await answer;
        if (fails) throw new Error('away');
        return clock.now();
      },
      runsSince: (beganMs) => {
        looks.push(clock.now() - beganMs);
        return Promise.resolve(active);
      },
      locks: () => Promise.resolve(locks),
    });
    watch.onAlert((alert) => told.push(alert));
    watch.start();
    return settle();
  };
  const levels = (alerts: AgeAlert[]) => alerts.map((one) => `${one.kind} ${one.key} ${one.level}`);

  beforeEach(() => {
    clock = new ManualClock();
    [active, locks, told, lines, looks, fails] = [[], [], [], [], [], false];
    answer = Promise.resolve();
  });
  afterEach(() => watch.close());

  it('tells each threshold that a run passes once, whether somebody asks or not', async () => {
    active = [run(9)];
    await open();
    assert.deepEqual(watch.alerts, []);
    await clock.advance(MINUTE_MS);
    await clock.advance(19 * MINUTE_MS);
    assert.deepEqual(levels(told), ['job default/j1 warning']);
    await clock.advance(25 * MINUTE_MS);
    assert.deepEqual(levels(told).slice(1), [
      'job default/j1 critical',
      'job default/j1 emergency',
    ]);
    assert.deepEqual(levels(watch.alerts), ['job default/j1 emergency']);
  });

  it('says it in the log, with action, level, job type and age', async () => {
    active = [run(31)];
    await open();
    const [line] = lines;
    assert.deepEqual(
      [line?.msg, line?.['action'], line?.['age_level'], line?.['job_type'], line?.['age_ms']],
      ['age alert', 'age_alert', 'critical', 'sync', 31 * MINUTE_MS],
    );
    assert.equal(lines.length, 1);
  });

  it('knows a run that ended from one that goes on, and a second run of a job from its first', async () => {
    active = [run(12)];
    await open();
    active = [];
    await clock.advance(5_000);
    assert.deepEqual(watch.alerts, []);
    active = [run(11)];
    await clock.advance(5_000);
    assert.equal(told.length, 2);
    active = [run(10)];
    await clock.advance(5_000);
    assert.equal(told.length, 3);
  });

  it('counts held locks of runs, the oldest of all first, and names what is theirs', async () => {
    active = [run(31, { key: 'main' })];
    const held = (kind: LockRow['kind'], minutes: number, name: string) =>
      lockRow({
        ...{ kind, name, ageMs: minutes * MINUTE_MS },
        acquiredAt: new Date(clock.now() - minutes * MINUTE_MS).toISOString(),
        job: kind === 'run' ? { queue: 'default', id: 'j1', type: 'sync' } : null,
      });
    locks = [
      held('run', 31.5, 'run:default/j1'),
      held('scheduler', 600, 'scheduler'),
      { ...held('watched', 60, 'redlock:a'), acquiredAt: null },
    ];
    await open();
    assert.deepEqual(levels(watch.alerts), [
      'lock redlock:a emergency',
      'lock run:default/j1 warning',
      'job default/j1 critical',
    ]);
    assert.equal(watch.alerts[2]?.name, 'sync [main]');
    assert.equal(watch.alerts[0]?.since, new Date(clock.now() - 60 * MINUTE_MS).toISOString());
    assert.deepEqual(
      lines.map((line) => line['job_type']),
      [undefined, 'sync', 'sync'],
    );
  });

  it('looks every 5 s, for what is as old as the lowest threshold, and more often for lower ones', async () => {
    await open();
    await clock.advance(20_000);
    assert.deepEqual(looks, [600_000, 600_000, 600_000, 600_000, 600_000]);
    await watch.close();
    looks = [];
    await open({ lockWarnMs: 100 });
    await clock.advance(1_000);
    assert.deepEqual(looks, [100, 100, 100, 100, 100]);
  });

  it('keeps what it knows while Redis is away, and goes on after', async () => {
    active = [run(12)];
    await open();
    fails = true;
    await clock.advance(60_000);
    assert.deepEqual(levels(watch.alerts), ['job default/j1 warning']);
    [fails, active] = [false, []];
    await clock.advance(5_000);
    assert.deepEqual(watch.alerts, []);
  });

  it('tells nobody who has left, and looks no more when closed', async () => {
    await open();
    const mine: AgeAlert[] = [];
    watch.onAlert((alert) => mine.push(alert))();
    active = [run(12)];
    await clock.advance(5_000);
    assert.deepEqual([mine.length, told.length], [0, 1]);
    await watch.close();
    const before = looks.length;
    await clock.advance(60_000);
    assert.equal(looks.length, before);
  });

  it('looks no more when it is closed during a look, and waits for that one', async () => {
    const redis = deferred<undefined>();
    answer = redis.promise;
    await open();
    const closed = watch.close();
    redis.resolve(undefined);
    await closed;
    await clock.advance(60_000);
    assert.equal(looks.length, 1);
  });
});
