import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { StateFeed } from '../../../agent/feed/stateFeed.ts';
import { StateStore } from '../../../agent/feed/stateStore.ts';
import type { StateChange } from '../../../agent/protocol/model.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { deadHolder, makeCore, SILENT, type Core } from '../leases/core.ts';
import { locksOf, writeLease } from '../locks/lockFixture.ts';
import { writeManyLocks } from '../locks/manyLocks.ts';

const MANY = 300;

describe('the feed of what clients see', () => {
  let server: RedisServer;
  let core: Core;
  let store: StateStore;
  let feed: StateFeed;
  let changes: StateChange[];
  let reads: number;

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server);
    await core.redis.flushall();
    store = new StateStore(systemClock);
    reads = 0;
    feed = new StateFeed({
      ...{ store, reader: core.reader, decisions: core.decisions, locks: locksOf(core) },
      ...{ queueNames: () => [], clock: systemClock, logger: SILENT },
      scheduleRows: () => {
        reads += 1;
        return Promise.resolve([]);
      },
      leaderRows: () => Promise.resolve([]),
      debugRows: () => Promise.resolve([]),
      streamRows: () => Promise.resolve([]),
    });
    changes = [];
  });
  afterEach(async () => {
    await feed.close();
    store.close();
  });

  function look(): void {
    store.snapshot();
    store.subscribe((delta) => changes.push(...delta.changes));
    feed.resume();
  }

  const decide = (subject: string) =>
    core.decisions.record({
      ...{ action: 'enqueue', subject, key: null, outcome: 'accepted', reason: 'within_limits' },
      ...{ jobId: null, survivor: null, holder: null, until: null, remedy: null },
    });

  it('holds the first of very many locks and decisions, and tells how many there are', async () => {
    await writeManyLocks(core, MANY);
    await writeLease(core, 'stream:zzz', deadHolder('d'));
    for (let count = 0; count < 250; count += 1) await decide('sync');
    await feed.refreshAll();
    const { locks, decisions } = store.snapshot();
    assert.equal(Object.keys(locks).length, 200);
    assert.equal(locks['stream:zzz']?.state, 'holder_dead');
    assert.equal(Object.keys(decisions).length, 200);
    assert.deepEqual(feed.totals, { locks: 2 * MANY + 1, decisions: 250 });
  });

  it('sends nothing of locks that did not change, however many there are', async () => {
    await writeManyLocks(core, MANY);
    await feed.refreshAll();
    look();
    const last = Object.keys(store.snapshot().locks).sort().at(-1);
    const before = reads;
    await eventually('some refreshes', () => reads >= before + 3);
    assert.equal(changes.length, 0);
    await writeLease(core, 'stream:aaa', deadHolder('d'));
    await eventually('the news', () => changes.length > 0);
    // One came in at the front, and one had to go at the end.
    assert.deepEqual(
      changes.map(({ key, row }) => `${key} ${row === null ? 'gone' : 'set'}`).sort(),
      ['stream:aaa set', `${last} gone`],
    );
  });

  it('takes a released lock away at once', async () => {
    await writeLease(core, 'stream:nse', deadHolder('d'));
    await feed.refreshAll();
    look();
    await core.redis.del(core.keys.lease('stream:nse'));
    feed.locksChanged();
    await eventually('it to be gone', () => changes.some(({ row }) => row === null), {
      deadlineMs: 900,
    });
  });

  it('counts for one who asks while nobody looks', async () => {
    await writeLease(core, 'stream:nse', deadHolder('d'));
    await decide('sync');
    await feed.countTotals();
    assert.deepEqual(feed.totals, { locks: 1, decisions: 1 });
  });

  it('keeps nobody waiting for long whose Redis hangs', async () => {
    const pid = server.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const startedAt = performance.now();
      await feed.countTotals();
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs < 8_000, `${tookMs} ms`);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});
