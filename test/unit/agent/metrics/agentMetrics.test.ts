import assert from 'node:assert/strict';
import { pino } from 'pino';
import { deferred } from '../../../../agent/common/deferred.ts';
import { AgentMetrics } from '../../../../agent/metrics/agentMetrics.ts';
import { EventFigures } from '../../../../agent/metrics/eventFigures.ts';
import type { StateReading } from '../../../../agent/metrics/stateFigures.ts';
import { parseExposition, valueOf } from '../../../harness/exposition.ts';
import { connectionRow, holder, lockRow, queueRow, streamRow } from '../cli/rows.ts';
import { ManualClock } from '../streams/manualClock.ts';

describe('the figures of an agent', () => {
  let clock: ManualClock;
  let reads: number;
  let answer: () => Promise<StateReading>;
  let metrics: AgentMetrics;

  const reading = (facts: Partial<StateReading> = {}): StateReading => ({
    ...{ agentId: 'a1', queues: [queueRow({ waiting: 3 })], locks: [lockRow()], schedules: [] },
    ...{ streams: [], agents: [], ...facts },
  });
  const scrape = async () => parseExposition(await metrics.text());
  const waiting = async () =>
    valueOf(await scrape(), 'interlock_queue_jobs', { queue: 'default', state: 'waiting' });

  beforeEach(() => {
    clock = new ManualClock();
    reads = 0;
    answer = () => Promise.resolve(reading());
    metrics = new AgentMetrics({
      ...{ clock, logger: pino({ level: 'silent' }) },
      agent: { agentId: 'a1', host: 'box', role: 'all', version: '1' },
      sources: {
        events: new EventFigures({ jobs: {}, streams: {} }),
        read: () => {
          reads += 1;
          return answer();
        },
        ...{ runsInProgress: () => 2, alerts: () => [], isRedisUp: () => true },
      },
    });
  });

  it('are read from Redis once for all who ask at one time, and seldom for those who ask often', async () => {
    const texts = await Promise.all(Array.from({ length: 100 }, () => metrics.text()));
    assert.deepEqual(
      [reads, texts.every((text) => text.includes('interlock_queue_jobs{'))],
      [1, true],
    );
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1_000);
      await scrape();
    }
    assert.ok(reads <= 31, `${reads} reads in a minute`);
  });

  it('take a tenth of the time at most, where reading is slow', async () => {
    answer = async () => {
      await clock.advance(2_000);
      return reading();
    };
    await scrape();
    await clock.advance(17_000);
    assert.equal(await waiting(), 3);
    assert.equal(reads, 1);
    await clock.advance(1_001);
    await scrape();
    assert.equal(reads, 2);
  });

  it('leave out what stands in a Redis that hangs, and come all the same', async () => {
    assert.equal(await waiting(), 3);
    const never = deferred<StateReading>();
    answer = () => never.promise;
    await clock.advance(2_000);
    const late = scrape();
    await clock.advance(3_000);
    const families = await late;
    assert.equal(families.has('interlock_queue_jobs'), false);
    assert.equal(valueOf(families, 'interlock_runs_in_progress'), 2);
    const again = scrape();
    await clock.advance(3_000);
    await again;
    assert.equal(reads, 2, 'no second question while the first one has no answer');
    never.reject(new Error('gone'));
    answer = () => Promise.resolve(reading());
    await clock.advance(5_000);
    assert.equal(await waiting(), 3);
    assert.equal(valueOf(await scrape(), 'interlock_state_read_failures_total'), 1);
  });

  it('have the traffic of the connections of this agent only', async () => {
    const theirs = holder({ agentId: 'a2' });
    const connections = [
      connectionRow({ shard: 0, ticks: 7, breaks: 2, lag: { p50: 20, p99: 1_500 } }),
      connectionRow({ shard: 1, ticks: 9, holder: theirs }),
      connectionRow({ shard: 2, state: 'waiting', holder: null }),
    ];
    answer = () => Promise.resolve(reading({ streams: [streamRow({ connections })] }));
    const families = await scrape();
    assert.equal(families.get('interlock_stream_ticks_total')?.samples.length, 1);
    assert.equal(valueOf(families, 'interlock_stream_ticks_total', { shard: '0' }), 7);
    assert.equal(valueOf(families, 'interlock_stream_reconnects_total', { shard: '0' }), 2);
    assert.equal(valueOf(families, 'interlock_stream_lag_seconds', { quantile: '0.99' }), 1.5);
    assert.equal(valueOf(families, 'interlock_stream_connections', { state: 'live' }), 2);
    assert.equal(valueOf(families, 'interlock_stream_connections', { state: 'waiting' }), 1);
  });

  it('say who leads, and the age of the oldest lock of each kind', async () => {
    const locks = [
      lockRow({ holder: holder({ agentId: 'a2' }) }),
      lockRow({ name: 'run:1', kind: 'run', ageMs: 90_000 }),
      lockRow({ name: 'run:2', kind: 'run', ageMs: 2_500 }),
    ];
    answer = () => Promise.resolve(reading({ locks }));
    const families = await scrape();
    assert.equal(valueOf(families, 'interlock_scheduler_leader'), 0);
    assert.equal(valueOf(families, 'interlock_lock_age_max_seconds', { kind: 'run' }), 90);
    assert.equal(valueOf(families, 'interlock_locks', { kind: 'run' }), 2);
  });
});
