import assert from 'node:assert/strict';
import fc from 'fast-check';
import { pino } from 'pino';
import { deferred, type Deferred } from '../../../../agent/common/deferred.ts';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { Batcher, type Batch, type BatcherOptions } from '../../../../agent/streams/batcher.ts';
import type { Tick } from '../../../../agent/streams/tick.ts';
import { ManualClock, settle } from './manualClock.ts';

const ticks = (count: number, from = 1): Tick[] =>
  Array.from({ length: count }, (_, index) => ({ symbol: 'a', price: 1, seq: from + index }));

const away = () => new InterlockError({ code: 'redis_unreachable', message: 'Redis is away.' });

function setup(options: Partial<BatcherOptions> = {}) {
  const clock = new ManualClock();
  const sent: Batch[] = [];
  const batcher = new Batcher({
    maxTicks: 10,
    maxWaitMs: 200,
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

const sizes = (batches: Batch[]) => batches.map((batch) => batch.ticks.length);

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
    const { batcher } = setup({ send, maxBufferedTicks: 50 });
    batcher.add(ticks(10));
    batcher.add(ticks(80, 11));
    assert.deepEqual([batcher.dropped, batcher.waiting], [30, 60]);
    held[0]?.answer.resolve();
    await settle();
    assert.deepEqual([held[1]?.batch.firstSeq, held[1]?.batch.ticks[0]?.seq], [41, 41]);
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
              batch.ticks.map(({ seq }) => seq),
              delivered.slice(-batch.ticks.length),
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
