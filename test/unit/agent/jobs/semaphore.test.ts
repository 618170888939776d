import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Semaphore } from '../../../../agent/jobs/semaphore.ts';
import { settle } from '../streams/manualClock.ts';

describe('the semaphore', () => {
  it('never lets more in than it has places, and lets everyone in, in order', async () => {
    const work = fc.array(fc.nat(3), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), work, async (places, turns) => {
        const semaphore = new Semaphore(places);
        const order: number[] = [];
        let inside = 0;
        let most = 0;
        await Promise.all(
          turns.map(async (length, index) => {
            await semaphore.acquire();
            order.push(index);
            inside += 1;
            most = Math.max(most, inside);
            for (let turn = 0; turn < length; turn += 1) await Promise.resolve();
            inside -= 1;
            semaphore.release();
          }),
        );
        assert.ok(most <= places, `${most} of ${places}`);
        assert.deepEqual(
          order,
          turns.map((_, index) => index),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('makes the next one wait until a place is given back', async () => {
    const semaphore = new Semaphore(1);
    await semaphore.acquire();
    let entered = false;
    void semaphore.acquire().then(() => (entered = true));
    await settle();
    assert.equal(entered, false);
    semaphore.release();
    await settle();
    assert.equal(entered, true);
  });
});
