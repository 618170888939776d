import assert from 'node:assert/strict';
import { configSchema } from '../../../../agent/config/schema.ts';
import { JOB, parse } from './configFixture.ts';

const job = (more: object) => ({ jobs: { sync: { ...JOB, ...more } } });

describe('the settings of this version', () => {
  for (const isolation of ['process', 'thread', 'inline']) {
    it(`are taken: isolation ${isolation}`, () => {
      assert.equal(parse(job({ isolation })).jobs['sync']?.isolation, isolation);
    });
  }

  it('are taken all together', () => {
    const used = job({
      unique: { by: ['network'], while: 'queued-or-running', onConflict: 'reschedule' },
      ...{ maxConcurrent: 3, monitoring: true },
      ...{ retry: { max: 3, intervals: ['10s', '30s', '60s'] }, isolation: 'inline' },
    });
    const schedules = {
      a: { job: 'sync', cron: '0 3 * * *', timezone: 'UTC', missed: 'run-once' },
      b: { job: 'sync', every: { min: '30s', max: '10m' }, missed: 'skip' },
      c: { job: 'sync', every: '5s', missed: 'catch-up', catchUpLimit: 20 },
    };
    const rest = {
      locks: { warnAfter: '30m', watch: ['redlock:*'] },
      alerts: { jobWarnAfter: '10m' },
      deduplication: { enabled: false },
      history: { keep: 100, maxAge: '1d' },
    };
    assert.doesNotThrow(() => parse({ ...used, ...rest, schedules }));
  });
});

/** The example of the design, with every setting of the format. */
const COMPLETE = {
  redis: { url: 'redis://127.0.0.1:6379', prefix: 'bull' },
  jobs: {
    chain_state_monitor: {
      ...{ handler: './jobs/chainStateMonitor.ts', queue: 'default' },
      unique: { by: ['network'], while: 'window', window: '10m', onConflict: 'skip' },
      ...{ maxConcurrent: 1, monitoring: true },
      retry: { max: 3, intervals: ['10s', '30s', '60s'] },
      ...{ concurrency: 4, processes: 1, maxRunsPerProcess: 1000, isolation: 'process' },
      lease: { ttl: '5s' },
    },
    backing_off: { handler: './x.ts', retry: { max: 5, backoff: 'exponential', delay: '1s' } },
  },
  queues: { bulk: { concurrency: 2, rateLimit: { max: 10, per: '1s' } } },
  schedules: {
    chain: { job: 'chain_state_monitor', every: '90s' },
    clean: {
      ...{ job: 'reminders_cleanup_job', cron: '0 3 * * *' },
      ...{ timezone: 'Asia/Jerusalem', missed: 'run-once' },
    },
  },
  streams: {
    nse: {
      ...{ url: 'ws://127.0.0.1:9000/ticks', symbols: ['NSE:RELIANCE25JULFUT'] },
      ...{ adapter: './streams/feed.ts', job: 'store_ticks' },
      batch: { maxTicks: 500, maxWait: '200ms' },
      ...{ symbolsPerConnection: 50, maxSymbols: 250, connectionDelay: '3s', liteMode: false },
      hours: {
        ...{ timezone: 'Asia/Kolkata', open: '09:15', close: '15:30' },
        days: ['mon', 'tue', 'wed', 'thu', 'fri'],
      },
      ...{ heartbeat: '30s', staleAfter: '2m', expireAfter: '1h', maxRetries: 0 },
    },
  },
  scheduler: { cycle: '60s', lockTtl: '90s' },
  health: { every: '5m' },
  locks: { warnAfter: '30m', emergencyAfter: '55m', maxAge: '1h', watch: ['redlock:*'] },
  alerts: { jobWarnAfter: '10m', jobCriticalAfter: '30m', jobEmergencyAfter: '50m' },
  deduplication: { enabled: true, aggressive: true, stackingPrevention: true },
  shutdown: { finishRuns: '2.5s' },
  history: { keep: 10_000, maxAge: '7d' },
};

describe('the complete format', () => {
  it('is accepted by the schema as a whole', () => {
    const config = configSchema.parse(COMPLETE);
    assert.equal(config.jobs['chain_state_monitor']?.lease.ttl, 5_000);
    assert.equal(config.streams['nse']?.batch.maxWait, 200);
    assert.deepEqual(config.locks.watch, ['redlock:*']);
  });
});
