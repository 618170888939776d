import assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { Keys } from '../../../agent/redis/keys.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import type { StreamService } from '../../../agent/streams/pool/streamService.ts';
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { openService, type OpenService } from './openService.ts';

const SYMBOLS = Array.from({ length: 12 }, (_, index) => `S${index}`);
/** Longer than a lease. The long version of this test: INTERLOCK_OUTAGE_MS=60000. */
const OUTAGE_MS = Number(process.env['INTERLOCK_OUTAGE_MS'] ?? 1_000);

/** What a slow line is behind a fast one: many ticks. */
const LAG_MS = 150;

const batch = z.object({
  shard: z.number(),
  fence: z.number(),
  ticks: z.array(z.object({ symbol: z.string(), seq: z.number() })),
});

describe('shards over several agents', function () {
  this.timeout(60_000 + OUTAGE_MS);
  let shared: TestRedis;
  /** Of the test: the shared one, or one that it may freeze. */
  let redis: TestRedis;
  let client: RedisClient;
  let feed: AnySymbolFeed;
  let closers: (() => Promise<unknown>)[] = [];

  before(async () => {
    shared = await startTestRedis();
  });
  const use = (one: TestRedis) => {
    redis = one;
    client = one.client();
  };
  beforeEach(async () => {
    await shared.flush();
    use(shared);
    feed = await AnySymbolFeed.start();
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
    client.disconnect();
    await feed.close();
  });
  after(async () => {
    await shared.stop();
  });

  const open = async (agentId: string, more: object = {}): Promise<OpenService> => {
    const streams = {
      nse: {
        ...{ url: feed.url, symbols: SYMBOLS, job: 'store', connectionDelay: 0 },
        ...{ symbolsPerConnection: 2, batch: { maxTicks: 50, maxWait: 20 }, ...more },
      },
    };
    const opened = await openService(redis, streams, agentId);
    closers.push(() => opened.close());
    return opened;
  };
  const here = ({ service }: OpenService) =>
    rowOf(service).connections.filter(({ asOf, holder, state }) => {
      return asOf === null && holder !== null && state === 'live';
    });
  const mine = (opened: OpenService, agentId: string) =>
    here(opened).filter(({ holder }) => holder?.agentId === agentId);
  const allLive = (opened: OpenService, agentId: string, count: number) =>
    eventually(`${count} live shards of ${agentId}`, () => mine(opened, agentId).length === count);
  /** The first agent has all shards on slow lines; what the second one gets has a fast one. */
  const openSlowThenFast = async (): Promise<[OpenService, OpenService]> => {
    feed.lagMs = LAG_MS;
    const one = await open('one');
    await allLive(one, 'one', 6);
    feed.lagMs = 0;
    return [one, await open('two')];
  };
  /** Every tick that was enqueued, by symbol. */
  const enqueued = async () => {
    const queue = new Queue('websocket_data', { connection: client, prefix: redis.prefix });
    try {
      const seqs = new Map<string, number[]>();
      for (const job of await queue.getWaiting(0, -1)) {
        for (const { symbol, seq } of batch.parse(job.data).ticks) {
          seqs.set(symbol, [...(seqs.get(symbol) ?? []), seq]);
        }
      }
      return seqs;
    } finally {
      await queue.close();
    }
  };
  const assertEachOnceInOrder = async () => {
    const seqs = await enqueued();
    assert.equal(seqs.size, SYMBOLS.length);
    for (const [symbol, numbers] of seqs) {
      const first = numbers[0] ?? 0;
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => first + index),
        symbol,
      );
    }
  };

  it('are all of the one agent there is', async () => {
    const one = await open('one');
    await allLive(one, 'one', 6);
    assert.deepEqual(rowOf(one.service).connected, 6);
    assert.equal(feed.clients, 6);
  });

  it('move to an agent that joins, until both have the same, and no tick is lost or doubled', async () => {
    const one = await open('one');
    await allLive(one, 'one', 6);
    const two = await open('two');
    await allLive(two, 'two', 3);
    await allLive(one, 'one', 3);
    await eventually('the old sockets to be gone', () => feed.clients === 6);
    assert.deepEqual([...new Set(feed.subscribers())], [1]);
    assert.deepEqual(feed.unheardMs, [], 'no symbol was without a listener');
    await Promise.all([one.service.stop('nse'), two.service.stop('nse')]);
    await eventually('both to have stopped', () =>
      [one, two].every(({ service }) => rowOf(service).state === 'stopped'),
    );
    await assertEachOnceInOrder();
  });

  it('move back when an agent leaves, and no tick is lost or doubled', async () => {
    const one = await open('one');
    const two = await open('two');
    await allLive(two, 'two', 3);
    await allLive(one, 'one', 3);
    await two.service.close({ handOverMs: 3_000, flushMs: 500 });
    await allLive(one, 'one', 6);
    assert.deepEqual(feed.unheardMs, [], 'no symbol was without a listener');
    await one.service.stop('nse');
    await assertEachOnceInOrder();
  });

  it('are replaced on request: the new connection first', async () => {
    const one = await open('one');
    await allLive(one, 'one', 6);
    const sockets = feed.clients;
    assert.equal((await one.service.rotate('nse')).outcome, 'accepted');
    await eventually('more sockets than shards', () => feed.clients > sockets, {
      everyMs: 2,
    });
    await eventually('one socket for each again', () => feed.clients === sockets);
    await one.service.stop('nse');
    await assertEachOnceInOrder();
  });

  it('move without a loss where the new line is faster than the old one', async () => {
    const [one, two] = await openSlowThenFast();
    await allLive(two, 'two', 3);
    await eventually('the old sockets to be gone', () => feed.clients === 6);
    assert.equal((await one.service.rotate('nse')).outcome, 'accepted');
    await eventually('no old socket', () => feed.lagging === 0);
    await Promise.all([one.service.stop('nse'), two.service.stop('nse')]);
    await eventually('all to be closed', () => feed.clients === 0);
    await assertEachOnceInOrder();
  });

  it('are handed on by an agent that leaves while they are on their way to it', async () => {
    // From a second connection to the handover it takes as long as the old line is behind.
    const [one, two] = await openSlowThenFast();
    const { streamAsks } = new Keys(redis.prefix);
    const told = async () => JSON.stringify(await client.xrange(streamAsks, '-', '+'));
    await eventually('a second connection', async () => /\bready\b/.test(await told()), {
      everyMs: 1,
    });
    await two.service.close({ handOverMs: 3_000, flushMs: 500 });
    await eventually('the handover', async () => /\bpassed\b/.test(await told()));
    await allLive(one, 'one', 6);
    assert.deepEqual(feed.unheardMs, [], 'no symbol was without a listener');
    await eventually('no other socket', () => feed.clients === 6);
    await one.service.stop('nse');
    await assertEachOnceInOrder();
  });

  it('follow symbols that are added and removed live', async () => {
    const one = await open('one', { maxSymbols: 13 });
    await allLive(one, 'one', 6);
    const added = await one.service.addSymbols('nse', ['NSE:NEW25JULFUT', 'S1', 'OVER']);
    assert.deepEqual([added.changed, added.cut], [['NSE:NEW25JULFUT'], ['OVER']]);
    assert.deepEqual(added.unchanged, [{ symbol: 'S1', why: 'it is there already' }]);
    assert.equal(added.decision.reason, 'max_symbols');
    await allLive(one, 'one', 7);
    const { rows, total } = await one.service.symbols({ name: 'nse', limit: 100, offset: 0 });
    assert.equal(total, 14);
    assert.equal(rows.at(-1)?.shard, null);
    await eventually('ticks of it', async () => {
      const page = await one.service.symbols({ name: 'nse', search: 'new', limit: 5, offset: 0 });
      return (page.rows[0]?.ticks ?? 0) > 0;
    });
    const removed = await one.service.removeSymbols('nse', ['NSE:NEW25JULFUT']);
    assert.deepEqual(removed.changed, ['NSE:NEW25JULFUT']);
    await eventually('what was cut off to take its place', async () => {
      const page = await one.service.symbols({ name: 'nse', search: 'over', limit: 5, offset: 0 });
      return (page.rows[0]?.ticks ?? 0) > 0;
    });
  });

  it('sleep outside of the hours of their stream, and say until when', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    const hours = { timezone: 'UTC', open: '00:00', close: '00:00', days, holidays: [today] };
    const one = await open('one', { hours });
    const row = rowOf(one.service);
    assert.deepEqual([row.state, row.connected, feed.clients], ['sleeping', 0, 0]);
    assert.deepEqual([...new Set(row.connections.map(({ state }) => state))], ['sleeping']);
    const midnight = Date.parse(`${today}T00:00:00Z`) + 86_400_000;
    assert.equal(row.until, new Date(midnight).toISOString());
    const asked = await one.service.start('nse');
    assert.deepEqual(
      [asked.outcome, asked.reason, asked.until],
      ['skipped', 'outside_hours', row.until],
    );
  });

  it('that are suspended are tried again when a person asks for it', async () => {
    const one = await open('one', { maxRetries: 1 });
    await allLive(one, 'one', 6);
    const { url } = feed;
    await feed.close();
    await eventually('all to be suspended', () =>
      rowOf(one.service).connections.every(({ state }) => state === 'suspended'),
    );
    assert.match(rowOf(one.service).connections[0]?.trouble ?? '', /Gave up after 1 retry/);
    feed = await AnySymbolFeed.start(5, Number(new URL(url).port));
    const resumed = await one.service.resume('nse', 2);
    assert.deepEqual([resumed.outcome, resumed.key], ['accepted', 'stream:nse/2']);
    await allLive(one, 'one', 1);
    await one.service.resume('nse');
    await allLive(one, 'one', 6);
    const idle = await one.service.resume('nse');
    assert.deepEqual([idle.outcome, idle.reason], ['refused', 'not_suspended']);
    await assert.rejects(one.service.resume('nse', 77), /has no connection 77/);
  });

  describe('of one server', () => {
    let single: RedisServer;

    before(async () => (single = await RedisServer.start()));
    after(() => single.stop());
    beforeEach(() => use(single));

    it('go on when Redis is frozen for longer than their leases, and lose no tick', async () => {
      const one = await open('one');
      const two = await open('two');
      await allLive(two, 'two', 3);
      await allLive(one, 'one', 3);
      const fences = new Map(
        rowOf(one.service).connections.map(({ shard, fence }) => [shard, fence]),
      );
      single.freeze();
      await eventually('the leases to be lost', () => bothSay(one, two, /could not be renewed/), {
        deadlineMs: 20_000,
      });
      const frozenAt = performance.now();
      await eventually('the outage', () => performance.now() - frozenAt > OUTAGE_MS, {
        deadlineMs: OUTAGE_MS + 5_000,
      });
      assert.equal(feed.clients, 6, 'connections live on');
      single.thaw();
      await eventually('the leases to be back', () => {
        const rows = [...mine(one, 'one'), ...mine(two, 'two')];
        return (
          rows.length === 6 &&
          rows.every(({ trouble, fence, shard }) => trouble === null && fence !== fences.get(shard))
        );
      });
      // As each agent knows it of its own: what the other one tells is as old as its last heartbeat.
      await eventually('nothing to wait any more', () => {
        const rows = [...mine(one, 'one'), ...mine(two, 'two')];
        return rows.length === 6 && rows.every(({ buffered }) => buffered < 50);
      });
      await Promise.all([one.service.stop('nse'), two.service.stop('nse')]);
      await eventually('both to have stopped', () => feed.clients === 0);
      await assertEachOnceInOrder();
    });
  });
});

function rowOf(service: StreamService) {
  const [only] = service.rows();
  assert.ok(only !== undefined);
  return only;
}

function bothSay(one: OpenService, two: OpenService, what: RegExp): boolean {
  const troubles = [one, two].map(({ service }) =>
    rowOf(service).connections.filter(
      ({ asOf, trouble }) => asOf === null && what.test(trouble ?? ''),
    ),
  );
  return troubles.every(({ length }) => length === 3);
}
