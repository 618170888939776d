import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TickBuffer } from '../../../../agent/streams/pipeline/tickBuffer.ts';

const tick = (seq: number) => ({ symbol: 'a', price: 1, seq });

function bufferOf(seqs: readonly number[]): TickBuffer {
  const buffer = new TickBuffer();
  for (const seq of seqs) buffer.push(tick(seq), seq);
  return buffer;
}

describe('ticks in memory', () => {
  it('are looked at up to a hole in their numbers', () => {
    const buffer = bufferOf([1, 2, 3, 7, 8]);
    assert.deepEqual(buffer.peek(10), { firstSeq: 1, lastSeq: 3, ticks: [1, 2, 3].map(tick) });
    assert.equal(buffer.drop(3), 3);
    assert.deepEqual(buffer.peek(1), { firstSeq: 7, lastSeq: 7, ticks: [tick(7)] });
    assert.equal(buffer.drop(10), 2);
    assert.equal(buffer.peek(10), undefined);
  });

  it('come out as they came in, in runs without a hole', () => {
    const steps = fc.array(fc.record({ skip: fc.nat(2), push: fc.nat(9), take: fc.nat(9) }));
    fc.assert(
      fc.property(steps, (all) => {
        const buffer = new TickBuffer();
        const waiting: number[] = [];
        let seq = 0;
        for (const { skip, push, take } of all) {
          seq += skip;
          for (let times = 0; times < push; times += 1) {
            seq += 1;
            buffer.push(tick(seq), seq);
            waiting.push(seq);
          }
          const run = buffer.peek(take + 1);
          assert.equal(run?.firstSeq, waiting[0]);
          if (run === undefined) continue;
          const count = run.ticks.length;
          assert.deepEqual(
            run.ticks.map((one) => one.seq),
            waiting.splice(0, count),
          );
          assert.equal(run.lastSeq, run.firstSeq + count - 1);
          if (count <= take) assert.notEqual(waiting[0], run.lastSeq + 1);
          assert.equal(buffer.drop(count), count);
          assert.equal(buffer.count, waiting.length);
        }
      }),
    );
  });
});
