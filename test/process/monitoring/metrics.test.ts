import assert from 'node:assert/strict';
import { createServer, request, type Server } from 'node:http';
import * as path from 'node:path';
import { metricNames } from '../../../agent/metrics/metricText.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import { eventually } from '../../harness/eventually.ts';
import { valueOf, type Family } from '../../harness/exposition.ts';
import { portOf } from '../../harness/portOf.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { scrape } from '../../harness/scrape.ts';
import {
  ECHO_HANDLER,
  FAIL_HANDLER,
  makeWorkspace,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';
import { interlock } from '../cli/interlock.ts';

const FEED_EVERY_MS = 20;

describe('metrics of an agent', function () {
  let server: RedisServer;
  let feed: AnySymbolFeed;
  let receiver: Server;
  let workspace: TestWorkspace;
  let agent: AgentProcess;
  let url: string;
  let until: string;
  let figures: Map<string, Family>;
  const seen = new Set<string>();

  const value = (name: string, labels: Record<string, string> = {}) =>
    valueOf(figures, name, labels);
  /** Scrapes until it holds: what stands in Redis is read each two seconds. */
  const scrapeUntil = (what: string, holds: () => boolean) =>
    eventually(
      what,
      async () => {
        figures = await scrape(url);
        for (const name of figures.keys()) seen.add(name);
        return holds();
      },
      { deadlineMs: 60_000, everyMs: 100 },
    );
  const enqueue = async (type: string, data: { until: string } | null = null) => {
    const [decision] = await agent.client.request(requests.enqueue, { type, data });
    return decision;
  };
  const metricsOf = async (one: AgentProcess) =>
    (await one.client.request(requests.status, {})).metrics;

  before(async () => {
    server = await RedisServer.start();
    feed = await AnySymbolFeed.start(FEED_EVERY_MS);
    receiver = createServer((_request, response) => response.writeHead(204).end());
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    workspace = makeWorkspace(
      {
        jobs: {
          wait: { handler: './wait.ts', unique: { by: [] }, lease: { ttl: '2s' } },
          fail: { handler: './fail.ts' },
          echo: { handler: './echo.ts', queue: 'low' },
        },
        schedules: { often: { job: 'echo', every: '1s' } },
        streams: {
          nse: { url: feed.url, symbols: ['A', 'B'], job: 'echo', symbolsPerConnection: 1 },
        },
        alerts: {
          ...{ jobWarnAfter: '300ms', jobCriticalAfter: '1h', jobEmergencyAfter: '2h' },
          webhook: { url: `http://127.0.0.1:${portOf(receiver)}/alerts` },
        },
      },
      { 'wait.ts': WAIT_HANDLER, 'fail.ts': FAIL_HANDLER, 'echo.ts': ECHO_HANDLER },
    );
    until = path.join(workspace.folder, 'until');
    // A port of the environment turns them on, though the config does not have them.
    const env = { REDIS_URL: server.url, INTERLOCK_METRICS_PORT: '0' };
    agent = await AgentProcess.start(workspace, { env });
    url = (await metricsOf(agent))?.url ?? '';
  });
  after(async () => {
    workspace.write('until', '');
    await agent.stop();
    workspace.remove();
    await feed.close();
    receiver.close();
    await server.stop();
  });

  it('are on a loopback port that its status tells', async () => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const { stdout } = await interlock(workspace, 'status');
    assert.match(stdout, new RegExp(`^Metrics +${url}$`, 'm'));
    await scrapeUntil('the first figures', () => value('interlock_redis_up') === 1);
    const { agentId } = await agent.client.request(requests.status, {});
    assert.equal(value('interlock_agent_info', { agent_id: agentId, role: 'all' }), 1);
    assert.equal(value('interlock_agents', { role: 'all', state: 'alive' }), 1);
    assert.ok((value('process_resident_memory_bytes') ?? 0) > 10_000_000);
    const startedAt = value('process_start_time_seconds') ?? 0;
    assert.ok(Math.abs(Date.now() / 1_000 - startedAt) < 60);
  });

  it('answer nothing else, and nobody who comes by another name', async () => {
    const other = new URL('/', url);
    assert.equal((await fetch(other)).status, 404);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
    const status = await new Promise((resolve) => {
      request(url, { headers: { host: 'rebound.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    assert.equal(status, 403);
  });

  it('count decisions, refusals with their reason, and runs with their time', async () => {
    const first = await enqueue('wait', { until });
    assert.equal(first?.outcome, 'accepted');
    await scrapeUntil('the run', () => value('interlock_runs_in_progress') === 1);
    const enqueued = { action: 'enqueue', job_type: 'wait' };
    assert.equal(value('interlock_decisions_total', { ...enqueued, outcome: 'accepted' }), 1);
    await enqueue('wait', { until });
    await enqueue('fail');
    const refused = { ...enqueued, outcome: 'already_running', reason: 'unique_key' };
    await scrapeUntil(
      'refusal and failure',
      () =>
        value('interlock_decisions_total', refused) === 1 &&
        value('interlock_runs_total', { job_type: 'fail', status: 'failed' }) === 1,
    );
    assert.equal(value('interlock_run_duration_seconds_count', { job_type: 'fail' }), 1);
    assert.equal(value('interlock_run_duration_seconds_count', { job_type: 'wait' }), undefined);
  });

  it('tell depth of queues, locks with their age, and who passes a threshold', async () => {
    await agent.client.request(requests.pauseQueue, { queue: 'low' });
    await scrapeUntil(
      'the run and its lock',
      () =>
        value('interlock_queue_jobs', { queue: 'default', state: 'active' }) === 1 &&
        value('interlock_locks', { kind: 'run', state: 'held' }) === 1 &&
        (value('interlock_lock_age_max_seconds', { kind: 'run' }) ?? 0) > 0.3 &&
        value('interlock_queue_paused', { queue: 'low' }) === 1,
    );
    await scrapeUntil(
      'the alert, which is sent on',
      () =>
        (value('interlock_age_alerts', { kind: 'job', level: 'warning' }) ?? 0) > 0 &&
        (value('interlock_webhook_deliveries_total', { result: 'delivered' }) ?? 0) > 0,
    );
    assert.ok((value('interlock_age_alerts_total', { kind: 'job', level: 'warning' }) ?? 0) > 0);
    assert.equal(value('interlock_age_alerts', { kind: 'lock', level: 'emergency' }), 0);
    assert.equal(value('interlock_queue_paused', { queue: 'default' }), 0);
  });

  it('tell who leads the schedules, and of each when it was and will be due', async () => {
    await scrapeUntil(
      'slots',
      () =>
        value('interlock_scheduler_leader') === 1 &&
        (value('interlock_schedule_last_slot_timestamp_seconds', { schedule: 'often' }) ?? 0) > 0,
    );
    const last = value('interlock_schedule_last_slot_timestamp_seconds', { schedule: 'often' });
    const next = value('interlock_schedule_next_slot_timestamp_seconds', { schedule: 'often' });
    assert.ok(Math.abs((last ?? 0) - Date.now() / 1_000) < 20);
    assert.ok((next ?? 0) > (last ?? 0));
    const slots = { action: 'schedule', job_type: 'echo', outcome: 'accepted' };
    assert.ok((value('interlock_decisions_total', slots) ?? 0) > 0);
  });

  it('count per connection of a stream what came, broke and lags', async () => {
    const port = Number(new URL(feed.url).port);
    const shard = { stream: 'nse', shard: '1' };
    await scrapeUntil(
      'ticks of both connections',
      () =>
        value('interlock_stream_connections', { stream: 'nse', state: 'live' }) === 2 &&
        (value('interlock_stream_ticks_total', shard) ?? 0) > 0 &&
        value('interlock_stream_lag_seconds', { ...shard, quantile: '0.99' }) !== undefined,
    );
    assert.ok((value('interlock_stream_messages_total', shard) ?? 0) > 0);
    assert.ok((value('interlock_stream_lag_seconds', { ...shard, quantile: '0.5' }) ?? 9) < 5);
    assert.equal(value('interlock_stream_reconnects_total', shard), 0);
    await feed.close();
    feed = await AnySymbolFeed.start(FEED_EVERY_MS, port);
    await scrapeUntil(
      'the break',
      () => (value('interlock_stream_reconnects_total', shard) ?? 0) > 0,
    );
    assert.ok((value('interlock_stream_errors_total', shard) ?? 0) > 0);
  });

  it('count what is taken over from the dead, and what nobody owns any more', async () => {
    workspace.write('until', '');
    await scrapeUntil(
      'the end of the run',
      () => value('interlock_runs_total', { job_type: 'wait', status: 'completed' }) === 1,
    );
    assert.equal(value('interlock_run_duration_seconds_count', { job_type: 'wait' }), 1);
    const gate = path.join(workspace.folder, 'gate');
    const other = await AgentProcess.start(workspace, {
      ...{ stateFolder: `${workspace.stateFolder}2`, env: { REDIS_URL: server.url } },
    });
    assert.equal(await metricsOf(other), undefined, 'they are off, unless somebody wants them');
    await scrapeUntil(
      'both agents',
      () => value('interlock_agents', { role: 'all', state: 'alive' }) === 2,
    );
    await runOn(other, gate);
    await other.kill();
    await server.client().set('bull:default:de:wait|["nobody"]', 'removed-job');
    await scrapeUntil(
      'takeover and removal',
      () =>
        (value('interlock_takeovers_total', { kind: 'job', reason: 'holder_dead' }) ?? 0) === 1 &&
        (value('interlock_orphans_removed_total') ?? 0) > 0,
    );
    assert.equal(value('interlock_runs_total', { job_type: 'wait', status: 'lost' }), 1);
    workspace.write('gate', '');
  });

  /** Asks until it is that agent that runs the job. */
  async function runOn(other: AgentProcess, gate: string): Promise<void> {
    let turn = 0;
    await eventually('a run of the other agent', async () => {
      turn += 1;
      const file = `${gate}${turn}`;
      await enqueue('wait', { until: file });
      const { runsInProgress } = await eventually('a run', async () => {
        const [a, b] = await Promise.all([
          agent.client.request(requests.status, {}),
          other.client.request(requests.status, {}),
        ]);
        return a.runsInProgress + b.runsInProgress > 0 && b;
      });
      if (runsInProgress > 0) return true;
      workspace.write(path.basename(file), '');
      await eventually('its end', async () => {
        const status = await agent.client.request(requests.status, {});
        return status.runsInProgress === 0;
      });
      return false;
    });
  }

  it('have every figure of the catalogue', () => {
    assert.deepEqual(
      metricNames().filter((name) => !seen.has(name)),
      [],
    );
  });

  it('say within seconds that Redis is gone, and leave out what stands in it', async () => {
    await server.kill();
    await scrapeUntil('no Redis', () => value('interlock_redis_up') === 0);
    assert.ok((value('interlock_agent_info') ?? 0) === 1);
    await scrapeUntil(
      'figures without Redis',
      () =>
        value('interlock_queue_jobs', { queue: 'low', state: 'failed' }) === undefined &&
        (value('interlock_state_read_failures_total') ?? 0) > 0,
    );
    await server.restart();
    await scrapeUntil(
      'Redis again',
      () =>
        value('interlock_redis_up') === 1 &&
        value('interlock_queue_jobs', { queue: 'low', state: 'failed' }) === 0,
    );
  });

  it('on a port that is taken keep no agent from starting, and it is told', async () => {
    const other = await AgentProcess.start(workspace, {
      stateFolder: `${workspace.stateFolder}3`,
      env: { REDIS_URL: server.url, INTERLOCK_METRICS_PORT: new URL(url).port },
    });
    try {
      const status = await metricsOf(other);
      assert.equal(status?.url, null);
      assert.match(
        status.trouble ?? '',
        /^Port \d+ of 127\.0\.0\.1 is taken by another process\. .*INTERLOCK_METRICS_PORT/,
      );
      const where = ['--state-dir', other.stateFolder, '--redis', server.url];
      const [told, doctor] = await Promise.all([
        interlock(workspace, 'status', ...where),
        interlock(workspace, 'doctor', ...where),
      ]);
      assert.match(told.stdout, /^Metrics +Port \d+ of 127\.0\.0\.1 is taken/m);
      assert.match(doctor.stdout, /failure +metrics +They can not be scraped: Port \d+/);
      const { lines } = await other.client.request(requests.log, {});
      assert.ok(lines.some((line) => line.includes('metrics can not be scraped')));
    } finally {
      await other.stop();
    }
  });
});
