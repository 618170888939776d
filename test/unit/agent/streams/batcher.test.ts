import assert from 'node:assert/strict';
import fc from 'fast-check';
import { pino } from 'pino';
import { deferred, type Deferred } from '../../../../agent/common/deferred.ts';
import { InterlockError } from '../../../../agent/common/errors.ts';
import type { Tick } from '../../../../agent/streams/adapters/tick.ts';
import {
  Batcher,
  type Batch,
  type BatcherOptions,
} from '../../../../agent/streams/pipeline/batcher.ts';
import { BufferBudget } from '../../../../agent/streams/pipeline/bufferBudget.ts';
import { ManualClock, settle } from './manualClock.ts';
import { ticksOf } from './ticksOf.ts';

const ticks = (count: number, from = 1): Tick[] =>
  Array.from({ length: count }, (_, index) => ({ symbol: 'a', price: 1, seq: from + index }));

const away = () => new InterlockError({ code: 'redis_unreachable', message: 'Redis is away.' });

function setup(options: Partial<BatcherOptions> = {}) {
  const clock = new ManualClock();
  const sent: Batch[] = [];
  const batcher = new Batcher({
    maxTicks: 10,
    maxWaitMs: 200,
    lite: false,
    budget: new BufferBudget({ ticks: 100_000, diskBytes: 0 }),
    spillFolder: null,
    clock,
    random: () => 0.5,
    logger: pino({ level: 'silent' }),
    send: (batch) => {
      sent.push(batch);
      return Promise.resolve();
    },
    ...options,
  });
  return { clock, sent, batcher };
}

/** Sends that end when the test says so. */
function heldSends() {
  const held: { batch: Batch; answer: Deferred<void> }[] = [];
  const send = (batch: Batch) => {
    const answer = deferred<undefined>();
    held.push({ batch, answer });
    return answer.promise;
  };
  return { held, send };
}

const sizes = (batches: Batch[]) => batches.map((batch) => batch.count);

describe('batches of ticks', () => {
  it('leave at once when they are full', async () => {
    const { sent, batcher } = setup();
    batcher.add(ticks(25));
    await settle();
    assert.deepEqual(sizes(sent), [10, 10]);
    assert.equal(batcher.waiting, 5);
  });

  it('leave after maxWait when they are not', async () => {
    const { clock, sent, batcher } = setup();
    batcher.add(ticks(3));
    await clock.advance(199);
    assert.deepEqual(sent, []);
    await clock.advance(1);
    assert.deepEqual(sizes(sent), [3]);
    assert.deepEqual([batcher.batches, batcher.waiting], [1, 0]);
  });

  it('are numbered, and number their ticks as they arrived', async () => {
    const { clock, sent, batcher } = setup();
    batcher.add(ticks(12));
    await clock.advance(200);
    const numbers = sent.map(({ n, firstSeq, lastSeq }) => [n, firstSeq, lastSeq]);
    assert.deepEqual(numbers, [
      [1, 1, 10],
      [2, 11, 12],
    ]);
  });

  it('leave one after the other, while receiving goes on', async () => {
    const { held, send } = heldSends();
    const { batcher } = setup({ send });
    batcher.add(ticks(30));
    await settle();
    assert.equal(held.length, 1);
    batcher.add(ticks(10, 31));
    assert.equal(batcher.waiting, 40);
    held[0]?.answer.resolve();
    await settle();
    assert.deepEqual(
      held.map(({ batch }) => batch.firstSeq),
      [1, 11],
    );
  });

  it('are tried again with their number while Redis is away', async () => {
    let failures = 3;
    const tried: number[] = [];
    const { clock, batcher } = setup({
      send: (batch) => {
        tried.push(batch.n);
        failures -= 1;
        return failures >= 0 ? Promise.reject(away()) : Promise.resolve();
      },
    });
    batcher.add(ticks(10));
    await clock.advance(5_000);
    assert.deepEqual(tried, [1, 1, 1, 1]);
    assert.deepEqual([batcher.batches, batcher.dropped, batcher.waiting], [1, 0, 0]);
  });

  it('are given up, with a count, when trying again is of no use', async () => {
    const refused = new InterlockError({ code: 'payload_invalid', message: 'no' });
    const { clock, batcher } = setup({ send: () => Promise.reject(refused) });
    batcher.add(ticks(20));
    await clock.advance(1_000);
    assert.deepEqual([batcher.batches, batcher.dropped, batcher.waiting], [0, 20, 0]);
  });

  it('drop the oldest ticks, with a count, when the buffer is full', async () => {
    const { held, send } = heldSends();
    const told: [number, string][] = [];
    const { clock, batcher } = setup({
      send,
      budget: new BufferBudget({ ticks: 60, diskBytes: 0 }),
      onDropped: (count, why) => void told.push([count, why]),
    });
    batcher.add(ticks(10));
    batcher.add(ticks(80, 11));
    assert.deepEqual([batcher.dropped, batcher.waiting], [30, 60]);
    held[0]?.answer.resolve();
    await settle();
    assert.deepEqual([held[1]?.batch.firstSeq, held[1]?.batch.lastSeqs.get('a')], [41, 50]);
    await clock.advance(9_999);
    assert.deepEqual(told, [[1, 'the buffer is full']]);
    await clock.advance(1);
    assert.deepEqual(told.slice(1), [[29, 'the buffer is full']]);
  });

  it('are smaller where the buffer would not hold two full ones, so that there is room to wait', async () => {
    const { held, send } = heldSends();
    const budget = new BufferBudget({ ticks: 16, diskBytes: 0 });
    const { batcher } = setup({ send, budget });
    budget.ticks.join(() => 0);
    batcher.add(ticks(40));
    await settle();
    assert.equal(held[0]?.batch.count, 4);
    assert.deepEqual([batcher.dropped, batcher.waiting], [24, 16]);
  });

  it('drop what comes, when all that fits is under way', async () => {
    const { held, send } = heldSends();
    const { batcher } = setup({ send, budget: new BufferBudget({ ticks: 1, diskBytes: 0 }) });
    batcher.add(ticks(1));
    batcher.add(ticks(5, 2));
    assert.deepEqual([batcher.dropped, batcher.waiting], [5, 1]);
    held[0]?.answer.resolve();
    await settle();
    batcher.add(ticks(1, 7));
    await settle();
    assert.deepEqual([held[1]?.batch.firstSeq, held[1]?.batch.lastSeq], [7, 7]);
  });

  it('wait for the lease to come back, or for someone to give them up', async () => {
    let lost = true;
    const { clock, sent, batcher } = setup();
    const lease = new InterlockError({ code: 'lease_lost', message: 'lost' });
    const waiting = setup({
      send: (batch) => (lost ? Promise.reject(lease) : Promise.resolve(void sent.push(batch))),
    });
    waiting.batcher.add(ticks(10));
    await waiting.clock.advance(60_000);
    assert.deepEqual([waiting.batcher.waiting, waiting.batcher.dropped], [10, 0]);
    lost = false;
    await waiting.clock.advance(2_000);
    assert.deepEqual(sizes(sent), [10]);
    await clock.advance(0);
    batcher.abandon('test');
  });

  it('tell at the end what was dropped and not told yet', () => {
    const told: number[] = [];
    const { batcher } = setup({
      budget: new BufferBudget({ ticks: 5, diskBytes: 0 }),
      onDropped: (count) => void told.push(count),
    });
    batcher.add(ticks(9));
    batcher.abandon('test');
    assert.deepEqual(told, [1, 8]);
  });

  it('are sent to the last tick by a flush', async () => {
    const { sent, batcher } = setup();
    batcher.add(ticks(25));
    await batcher.flush(1_000);
    assert.deepEqual(sizes(sent), [10, 10, 5]);
    batcher.add(ticks(10));
    await settle();
    assert.equal(sent.length, 3, 'after the end nothing is taken');
  });

  it('are given up at the deadline of a flush', async () => {
    const { send } = heldSends();
    const { clock, batcher } = setup({ send });
    batcher.add(ticks(25));
    const flushed = batcher.flush(1_000);
    await clock.advance(1_000);
    await flushed;
    assert.deepEqual([batcher.dropped, batcher.waiting], [25, 0]);
  });

  it('are sent to the last tick by a drain, after which the batcher lives on', async () => {
    const { clock, sent, batcher } = setup();
    batcher.add(ticks(25));
    assert.equal(await batcher.drain(1_000), true);
    assert.deepEqual(sizes(sent), [10, 10, 5]);
    batcher.add(ticks(3, 26));
    await settle();
    assert.equal(sent.length, 3, 'it waits again');
    await clock.advance(200);
    assert.deepEqual(sizes(sent), [10, 10, 5, 3]);
  });

  it('are kept when a drain has no time left, or the batcher ends meanwhile', async () => {
    for (const abandon of [false, true]) {
      const { send } = heldSends();
      const { clock, batcher } = setup({ send });
      batcher.add(ticks(15));
      const drained = batcher.drain(1_000);
      if (abandon) batcher.abandon('test');
      else await clock.advance(1_000);
      assert.equal(await drained, false);
      assert.equal(batcher.waiting, abandon ? 0 : 15);
    }
  });

  it('stop at once when abandoned, also between two tries', async () => {
    let tries = 0;
    const { clock, batcher } = setup({
      send: () => {
        tries += 1;
        return Promise.reject(away());
      },
    });
    batcher.add(ticks(15));
    await settle();
    batcher.abandon('test');
    await clock.advance(60_000);
    assert.deepEqual([tries, batcher.dropped], [1, 15]);
  });

  it('lose no tick and keep the order, whatever arrives and fails', async () => {
    const step = fc.record({ count: fc.nat(30), pauseMs: fc.nat(300) });
    await fc.assert(
      fc.asyncProperty(fc.array(step), fc.array(fc.boolean()), async (steps, outcomes) => {
        const delivered: number[] = [];
        const numbers: number[] = [];
        const { clock, batcher } = setup({
          send: (batch) => {
            if (outcomes.pop() === false) return Promise.reject(away());
            numbers.push(batch.n);
            for (let seq = batch.firstSeq; seq <= batch.lastSeq; seq += 1) delivered.push(seq);
            assert.deepEqual(
              ticksOf(batch).map(({ seq }) => seq),
              delivered.slice(-batch.count),
            );
            return Promise.resolve();
          },
        });
        let arrived = 0;
        for (const { count, pauseMs } of steps) {
          batcher.add(ticks(count, arrived + 1));
          arrived += count;
          await clock.advance(pauseMs);
        }
        await clock.advance(600_000);
        assert.deepEqual(
          delivered,
          Array.from({ length: arrived }, (_, index) => index + 1),
        );
        assert.deepEqual(
          numbers,
          numbers.map((_, index) => index + 1),
        );
        assert.deepEqual([batcher.dropped, batcher.batches], [0, numbers.length]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('batches in lite mode', () => {
  const quotes = (...symbols: string[]): Tick[] =>
    symbols.map((symbol, index) => ({ symbol, price: index + 1 }));
  const lite = (options: Partial<BatcherOptions> = {}) => setup({ lite: true, ...options });

  it('hold the last tick of each symbol, and count what it replaced', async () => {
    const { clock, sent, batcher } = lite();
    batcher.add(quotes('a', 'b', 'a', 'a', 'c'));
    await clock.advance(200);
    const [first] = sent;
    assert.ok(first !== undefined);
    assert.deepEqual([first.firstSeq, first.lastSeq], [1, 5]);
    assert.deepEqual(
      ticksOf(first).map(({ symbol, price }) => [symbol, price]),
      [
        ['a', 4],
        ['b', 2],
        ['c', 5],
      ],
    );
    assert.deepEqual([batcher.conflated, batcher.dropped, batcher.waiting], [2, 0, 0]);
  });

  it('never hold more than one tick per symbol, however long Redis is away', async () => {
    const { held, send } = heldSends();
    const { clock, batcher } = lite({ send, budget: new BufferBudget({ ticks: 1, diskBytes: 0 }) });
    batcher.add(quotes('a', 'b'));
    await clock.advance(200);
    for (let times = 0; times < 1_000; times += 1) batcher.add(quotes('a', 'b', 'c'));
    assert.deepEqual([batcher.waiting, batcher.dropped, batcher.conflated], [5, 0, 2_997]);
    held[0]?.answer.resolve();
    await clock.advance(200);
    assert.deepEqual([held[1]?.batch.firstSeq, held[1]?.batch.lastSeq], [3, 3_002]);
  });

  it('account for each tick, with numbers that only grow', async () => {
    const symbol = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.record({ symbols: fc.array(symbol, { maxLength: 6 }), pauseMs: fc.nat(300) });
    await fc.assert(
      fc.asyncProperty(fc.array(step), fc.integer({ min: 1, max: 5 }), async (steps, maxTicks) => {
        const { clock, sent, batcher } = lite({ maxTicks });
        const newest = new Map<string, number>();
        let arrived = 0;
        for (const { symbols, pauseMs } of steps) {
          for (const name of symbols) newest.set(name, (arrived += 1));
          batcher.add(
            symbols.map((name, index) => ({
              symbol: name,
              price: arrived - symbols.length + index + 1,
            })),
          );
          await clock.advance(pauseMs);
        }
        await clock.advance(1_000);
        let last = 0;
        const seen = new Map<string, number>();
        for (const batch of sent) {
          assert.equal(batch.firstSeq, last + 1);
          assert.ok(batch.lastSeq - batch.firstSeq + 1 >= batch.count);
          assert.ok(batch.count <= maxTicks);
          for (const { symbol: name, price } of ticksOf(batch)) {
            assert.ok(price > (seen.get(name) ?? 0));
            seen.set(name, price);
          }
          last = batch.lastSeq;
        }
        const delivered = sizes(sent).reduce((sum, size) => sum + size, 0);
        assert.deepEqual([last, delivered + batcher.conflated], [arrived, arrived]);
        assert.deepEqual([...seen].sort(), [...newest].sort());
      }),
      { numRuns: 100 },
    );
  });
});
