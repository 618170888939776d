import assert from 'node:assert/strict';
import { ReadMarks } from '../../../../agent/streams/connection/readMarks.ts';

describe('marks in what a server sends', () => {
  const open = () => {
    const marks = new ReadMarks();
    const reached: number[] = [];
    const set = () => {
      const { payload, reached: promise } = marks.set();
      const number = Number(payload.toString().split('-')[1]);
      void promise.then(() => reached.push(number));
      return payload;
    };
    return { marks, reached, set };
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('are reached with their own pong, and by no other', async () => {
    const { marks, reached, set } = open();
    const payload = set();
    for (const other of ['', 'read-', 'read-x', 'read', 'a read-1', 'read-0']) {
      marks.onPong(Buffer.from(other));
    }
    await settled();
    assert.deepEqual(reached, []);
    marks.onPong(payload);
    await settled();
    assert.deepEqual(reached, [1]);
  });

  it('are reached together with a later one, in order', async () => {
    const { marks, reached, set } = open();
    set();
    const second = set();
    set();
    marks.onPong(second);
    await settled();
    assert.deepEqual(reached, [1, 2]);
  });

  it('are all reached when the socket is gone', async () => {
    const { marks, reached, set } = open();
    set();
    set();
    marks.end();
    await settled();
    assert.deepEqual(reached, [1, 2]);
  });
});
