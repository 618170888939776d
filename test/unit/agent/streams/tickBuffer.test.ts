import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Tick } from '../../../../agent/streams/adapters/tick.ts';
import { TickBuffer } from '../../../../agent/streams/pipeline/tickBuffer.ts';
import { ticksOf } from './ticksOf.ts';

const tick = (seq: number): Tick => ({ symbol: 'a', price: 1, seq });

function bufferOf(seqs: readonly number[]): TickBuffer {
  const buffer = new TickBuffer();
  for (const seq of seqs) buffer.push(tick(seq), seq);
  return buffer;
}

function peeked(buffer: TickBuffer, maxTicks: number) {
  const run = buffer.peek(maxTicks);
  if (run === undefined) return undefined;
  const { firstSeq, lastSeq, count } = run;
  assert.equal(ticksOf(run).length, count);
  return { firstSeq, lastSeq, ticks: ticksOf(run), lastSeqs: Object.fromEntries(run.lastSeqs) };
}

describe('ticks in memory', () => {
  it('are looked at up to a hole in their numbers', () => {
    const buffer = bufferOf([1, 2, 3, 7, 8]);
    const ticks = [1, 2, 3].map(tick);
    assert.deepEqual(peeked(buffer, 10), { firstSeq: 1, lastSeq: 3, ticks, lastSeqs: { a: 3 } });
    assert.equal(buffer.drop(3), 3);
    const next = { firstSeq: 7, lastSeq: 7, ticks: [tick(7)], lastSeqs: { a: 7 } };
    assert.deepEqual(peeked(buffer, 1), next);
    assert.equal(buffer.drop(10), 2);
    assert.equal(buffer.peek(10), undefined);
  });

  it('keep the bytes that the feed sent, whoever writes over them later', () => {
    const buffer = new TickBuffer();
    const frame = Buffer.from('{ "symbol":"ü", "price":1e3 }');
    buffer.pushJson('ü', NaN, frame, 1);
    assert.ok(buffer.push(tick(5), 2));
    frame.fill(0);
    const run = buffer.peek(10);
    assert.ok(run !== undefined);
    buffer.drop(2);
    for (let seq = 3; seq < 10; seq += 1) buffer.push(tick(seq), seq);
    const text = '{ "symbol":"ü", "price":1e3 },{"symbol":"a","price":1,"seq":5}';
    assert.equal(run.json, text);
    assert.deepEqual([...run.lastSeqs], [['a', 5]]);
  });

  it('are not those that can not be JSON', () => {
    const buffer = bufferOf([1]);
    const circular: Tick = { symbol: 'a', price: 1 };
    Reflect.set(circular, 'self', circular);
    assert.equal(buffer.push(circular, 2), false);
    assert.deepEqual([buffer.count, peeked(buffer, 9)?.ticks], [1, [tick(1)]]);
  });

  it('are the last of many symbols, whatever was forgotten before', () => {
    const buffer = new TickBuffer();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 1; n <= 12_000; n += 1) {
        buffer.push({ symbol: `s${round}-${n % 6_000}`, price: 1, seq: n }, round * 12_000 + n);
      }
      const last = buffer.peek(20_000)?.lastSeqs;
      assert.deepEqual([last?.size, last?.get(`s${round}-1`)], [6_000, 6_001]);
      assert.equal(buffer.drop(12_000), 12_000);
    }
  });

  it('come out as they came in, in runs without a hole', () => {
    const step = { skip: fc.nat(2), push: fc.nat(9), take: fc.nat(9), symbol: fc.string() };
    fc.assert(
      fc.property(fc.array(fc.record(step)), (all) => {
        const buffer = new TickBuffer();
        const waiting: { seq: number; symbol: string }[] = [];
        let seq = 0;
        for (const { skip, push, take, symbol } of all) {
          seq += skip;
          for (let times = 0; times < push; times += 1) {
            seq += 1;
            buffer.push({ symbol: `x${symbol}`, price: 1, seq }, seq);
            waiting.push({ seq, symbol: `x${symbol}` });
          }
          const run = peeked(buffer, take + 1);
          assert.equal(run?.firstSeq, waiting[0]?.seq);
          if (run === undefined) continue;
          const count = run.ticks.length;
          const expected = waiting.splice(0, count);
          assert.deepEqual(
            run.ticks.map((one) => ({ seq: one.seq, symbol: one.symbol })),
            expected,
          );
          const last = Object.fromEntries(expected.map((one) => [one.symbol, one.seq]));
          assert.deepEqual(run.lastSeqs, last);
          assert.equal(run.lastSeq, run.firstSeq + count - 1);
          if (count <= take) assert.notEqual(waiting[0]?.seq, run.lastSeq + 1);
          assert.equal(buffer.drop(count), count);
          assert.equal(buffer.count, waiting.length);
        }
      }),
    );
  });
});
