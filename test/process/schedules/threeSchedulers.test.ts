import assert from 'node:assert/strict';
import { SchedulerTrial } from '../../schedules/schedulerTrial.ts';

describe('three schedulers of one Redis', function () {
  it('enqueue each slot once, or account for it, while their leader is killed and frozen', async () => {
    const result = await SchedulerTrial.play({
      ...{ schedules: 30, forMs: 18_000, kills: 2, freezes: 1, say: () => undefined },
    });
    assert.deepEqual(result.faults, []);
    assert.equal(result.kills + result.freezes, 3);
    assert.ok(result.enqueued > 300, JSON.stringify(result));
  });
});
