import assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { liveShards } from './liveShards.ts';

const SYMBOLS = Array.from({ length: 18 }, (_, index) => `S${index}`);
const SHARDS = 9;
/** Much longer than a handover takes; half of what the leases of the frozen ones last. */
const HEIRS_LATE_MS = 2_500;
const batch = z.object({ ticks: z.array(z.object({ symbol: z.string(), seq: z.number() })) });

describe('a stream over three agents', function () {
  let redis: TestRedis;
  let client: RedisClient;
  let feed: AnySymbolFeed;
  let workspace: TestWorkspace;
  let agents: AgentProcess[];

  before(async () => (redis = await startTestRedis()));
  after(() => redis.stop());
  beforeEach(async () => {
    await redis.flush();
    client = redis.client();
    feed = await AnySymbolFeed.start(10);
    // Nobody takes the jobs: they are what the test counts.
    const queue = new Queue('kept', { connection: client, prefix: redis.prefix });
    await queue.pause();
    await queue.close();
    agents = [];
    workspace = makeWorkspace(
      {
        redis: { url: redis.url, prefix: redis.prefix },
        jobs: { store: { handler: './store.ts', queue: 'kept' } },
        streams: {
          nse: {
            ...{ url: feed.url, symbols: SYMBOLS, job: 'store', symbolsPerConnection: 2 },
            ...{ connectionDelay: 0, batch: { maxTicks: 50, maxWait: 20 } },
          },
        },
      },
      { 'store.ts': 'export default () => undefined;\n' },
    );
  });
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent.kill()));
    workspace.remove();
    await feed.close();
    client.disconnect();
  });

  const start = async (): Promise<AgentProcess> => {
    const stateFolder = `${workspace.stateFolder}${agents.length}`;
    const agent = await AgentProcess.start(workspace, { stateFolder });
    agents.push(agent);
    return agent;
  };
  const spread = (each: number, of: AgentProcess[]) =>
    eventually(`${each} live shards in each of ${of.length} agents`, async () =>
      (await Promise.all(of.map(liveShards))).every((count) => count === each),
    );
  const seqsBySymbol = async () => {
    const queue = new Queue('kept', { connection: client, prefix: redis.prefix });
    const seqs = new Map<string, number[]>();
    for (const job of await queue.getJobs(['waiting'], 0, -1, true)) {
      for (const { symbol, seq } of batch.parse(job.data).ticks) {
        const known = seqs.get(symbol) ?? [];
        seqs.set(symbol, known);
        known.push(seq);
      }
    }
    await queue.close();
    return seqs;
  };
  const missingTicks = async () => {
    let missing = 0;
    for (const seqs of (await seqsBySymbol()).values()) {
      assert.equal(new Set(seqs).size, seqs.length, 'no tick twice');
      missing += Math.max(...seqs) - Math.min(...seqs) + 1 - seqs.length;
    }
    return missing;
  };

  it('is spread evenly; each symbol is subscribed once', async () => {
    const all = [await start(), await start(), await start()];
    await spread(SHARDS / 3, all);
    await eventually('one subscription for each', () =>
      feed.subscribers().every((count) => count === 1),
    );
    assert.equal(feed.subscribers().length, SYMBOLS.length);
    assert.deepEqual(feed.unheardMs, []);
  });

  it('lives on in the others when one is killed, and every gap is reported', async () => {
    const [first, second, third] = [await start(), await start(), await start()];
    await spread(SHARDS / 3, [first, second, third]);
    await eventually('one subscription for each', () => feed.clients === SHARDS);
    await third.kill();
    // The sockets of the dead one may be seen to end after the new ones have begun.
    await eventually('each symbol to be subscribed again, once', () => {
      const counts = feed.subscribers();
      return counts.length === SYMBOLS.length && counts.every((count) => count === 1);
    });
    await eventually(
      'every shard to be live',
      async () => (await liveShards(first)) + (await liveShards(second)) === SHARDS,
    );
    const { rows } = await first.client.request(requests.decisions, { action: 'takeover' });
    const shards = rows.map(({ key }) => key).filter((key) => key?.startsWith('stream:nse'));
    assert.equal(new Set(shards).size, SHARDS / 3);
    await first.client.request(requests.stopStream, { name: 'nse' });
    await eventually('all to be closed', () => feed.clients === 0);
    const told = async () => {
      const gaps = await first.client.request(requests.decisions, { action: 'gap', limit: 1_000 });
      return gaps.rows.reduce((sum, { remedy }) => sum + missingIn(remedy ?? ''), 0);
    };
    // Ticks of the moment between its death and the new subscription, and no others. The last
    // batches may still be on their way.
    await eventually('every gap to be told', async () => {
      const missing = await missingTicks();
      assert.ok(missing > 0);
      assert.equal(await told(), missing);
      return true;
    });
  });

  it('loses no tick when one leaves in order', async () => {
    const [first, second, third] = [await start(), await start(), await start()];
    await spread(SHARDS / 3, [first, second, third]);
    await third.stop();
    await eventually(
      'every shard to be live',
      async () => (await liveShards(first)) + (await liveShards(second)) === SHARDS,
    );
    assert.deepEqual(feed.unheardMs, [], 'no symbol was without a listener');
    await first.client.request(requests.stopStream, { name: 'nse' });
    await eventually('all to be closed', () => feed.clients === 0);
    await eventually('what waits to be enqueued', async () => (await missingTicks()) === 0);
  });

  it('waits for heirs that are slow when one leaves', async () => {
    const [first, second, third] = [await start(), await start(), await start()];
    await spread(SHARDS / 3, [first, second, third]);
    for (const { pid } of [first, second]) process.kill(pid, 'SIGSTOP');
    const leaving = third.stop();
    const since = performance.now();
    await eventually('them to have been late', () => performance.now() - since > HEIRS_LATE_MS);
    for (const { pid } of [first, second]) process.kill(pid, 'SIGCONT');
    await leaving;
    await eventually(
      'every shard to be live',
      async () => (await liveShards(first)) + (await liveShards(second)) === SHARDS,
    );
    assert.deepEqual(feed.unheardMs, [], 'no symbol was without a listener');
  });
});

/** The number that a decision about a gap begins with. */
function missingIn(remedy: string): number {
  return Number(/^(\d+) ticks? /.exec(remedy)?.[1]);
}
