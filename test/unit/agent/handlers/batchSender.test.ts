import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BatchSender } from '../../../../agent/handlers/batchSender.ts';

describe('BatchSender', () => {
  it('sends the messages of one turn together, in order', async () => {
    const batches: number[][] = [];
    const sender = new BatchSender<number>((batch) => batches.push(batch));
    sender.add(1);
    sender.add(2);
    await nextTurn();
    sender.add(3);
    await nextTurn();
    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it('sends nothing twice, and no empty batch, after a flush', async () => {
    const batches: number[][] = [];
    const sender = new BatchSender<number>((batch) => batches.push(batch));
    sender.add(1);
    sender.flush();
    await nextTurn();
    assert.deepEqual(batches, [[1]]);
  });
});
