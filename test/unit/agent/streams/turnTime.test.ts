import assert from 'node:assert/strict';
import { TurnTime } from '../../../../agent/streams/connection/turnTime.ts';
import { ManualClock, settle } from './manualClock.ts';

describe('the time of a turn', () => {
  it('is read once per turn of the event loop, however often it is asked for', async () => {
    const clock = new ManualClock();
    let reads = 0;
    const counting = {
      now: () => clock.now(),
      monotonic: () => {
        reads += 1;
        return clock.monotonic();
      },
      setTimeout: clock.setTimeout.bind(clock),
    };
    const time = new TurnTime(counting);
    for (let index = 0; index < 1_000; index += 1) time.read();
    assert.deepEqual([reads, time.monotonicMs, time.nowMs], [1, clock.monotonic(), clock.now()]);
    await clock.advance(5_000);
    await settle();
    time.read();
    assert.deepEqual([reads, time.monotonicMs, time.nowMs], [2, clock.monotonic(), clock.now()]);
  });
});
