import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { KITE_KEY, KITE_TOKEN, KiteServer } from '../../venues/kiteServer.ts';
import { VenueProcess } from '../../venues/venueProcess.ts';
import { liveShards } from './liveShards.ts';

const INSTRUMENTS = ['408065', '884737', '5633'];
/** 300 in 5 min, so many times as fast. */
const CONNECTS = { count: 20, perMs: 3_000 };
const SHARDS = 60;
const WAIT = { deadlineMs: 60_000 };

describe('a venue that counts all agents as one', () => {
  let redis: TestRedis;
  let workspace: TestWorkspace | undefined;
  let agents: AgentProcess[];

  before(async () => (redis = await startTestRedis()));
  after(() => redis.stop());
  beforeEach(async () => {
    await redis.flush();
    agents = [];
  });
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent.kill()));
    workspace?.remove();
  });

  function declare(stream: object): void {
    workspace = makeWorkspace(
      {
        redis: { url: redis.url, prefix: redis.prefix },
        jobs: { store: { handler: './store.ts', queue: 'kept' } },
        streams: { feed: { job: 'store', connectionDelay: 0, ...stream } },
      },
      { 'store.ts': 'export default () => undefined;\n' },
    );
  }
  const start = async (): Promise<AgentProcess> => {
    assert.ok(workspace !== undefined);
    const stateFolder = `${workspace.stateFolder}${agents.length}`;
    const agent = await AgentProcess.start(workspace, { stateFolder });
    agents.push(agent);
    return agent;
  };
  const logOf = ({ stateFolder }: AgentProcess) =>
    readFileSync(path.join(stateFolder, 'agent.log'), 'utf8');
  const live = async (...of: AgentProcess[]) =>
    (await Promise.all(of.map(liveShards))).reduce((sum, count) => sum + count, 0);

  it('never gets a connection too many from three agents, whoever comes, leaves or dies', async () => {
    const server = await KiteServer.start();
    try {
      declare({
        url: `${server.url}/?api_key=${KITE_KEY}&access_token=${encodeURIComponent(KITE_TOKEN)}`,
        ...{ adapter: 'kite', symbols: INSTRUMENTS, symbolsPerConnection: 1 },
      });
      const once = () => {
        const counts = server.subscriptions();
        return INSTRUMENTS.every((token) => counts[Number(token)] === 1);
      };
      const first = await start();
      await eventually('three live ones', async () => (await live(first)) === 3 && once());
      const second = await start();
      const third = await start();
      // They are offered a part, and could take it only with a fourth connection.
      await eventually('the offers to be declined', () =>
        /the other agent can not take/.test(logOf(first)),
      );
      assert.deepEqual(server.violations, []);
      await first.stop();
      await eventually(
        'the others to have it',
        async () => (await live(second, third)) === 3 && once(),
        WAIT,
      );
      assert.deepEqual(server.violations, [], 'an agent left');
      const [dead, heir] = (await live(second)) > 0 ? [second, third] : [third, second];
      await dead.kill();
      await eventually('the last to have it', async () => (await live(heir)) === 3 && once(), WAIT);
      assert.deepEqual(server.violations, [], 'an agent died');
    } finally {
      await server.close();
    }
  });

  it('is not asked too often when the connections of three agents break at once', async () => {
    const server = await VenueProcess.start({ connects: CONNECTS, tradeEveryMs: 1_000 });
    try {
      declare({
        ...{ url: `${server.url}/stream`, adapter: 'binance-spot' },
        symbols: Array.from({ length: SHARDS }, (_, index) => `C${index}USDT`),
        symbolsPerConnection: 1,
        limits: { connects: [{ count: CONNECTS.count, per: CONNECTS.perMs }] },
      });
      const all = [await start(), await start(), await start()];
      await eventually('all to be live', async () => (await live(...all)) === SHARDS, WAIT);
      await eventually(
        'shards in each',
        async () => (await Promise.all(all.map(liveShards))).every((count) => count === SHARDS / 3),
        WAIT,
      );
      const before = await server.report();
      assert.deepEqual(before.violations, []);
      await server.drop();
      await eventually('the drop to be seen', async () => (await live(...all)) < SHARDS, WAIT);
      await eventually('all to be live again', async () => (await live(...all)) === SHARDS, WAIT);
      const after = await server.report();
      assert.deepEqual(after.violations, []);
      assert.equal(after.openSockets, SHARDS);
      assert.ok(Object.values(after.subscriptions).every((count) => count === 1));
    } finally {
      await server.kill();
    }
  });
});
