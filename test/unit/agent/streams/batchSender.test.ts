import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import type { EnqueueRequest } from '../../../../agent/jobs/enqueuing.ts';
import type { Lease } from '../../../../agent/leases/lease.ts';
import type { Decision } from '../../../../agent/protocol/decision.ts';
import { batchJobId, batchSender } from '../../../../agent/streams/batchSender.ts';

const loss = new AbortController();
const lease = (signal = loss.signal): Lease => ({
  ...{ name: 'stream:nse', fence: 7, acquiredAtMs: 0, signal },
  release: () => Promise.resolve(),
});
const batch = { n: 3, firstSeq: 11, lastSeq: 12, ticks: [{ symbol: 'a', price: 1 }] };

const decision = (facts: Partial<Decision>): Decision => ({
  ...{ id: '', at: '', action: 'enqueue', subject: 'store', key: null, outcome: 'accepted' },
  ...{ reason: 'within_limits', jobId: null, survivor: null, holder: null, until: null },
  ...{ remedy: null, counts: null, ...facts },
});

describe('sending a batch', () => {
  it('makes a job whose id names stream, fence and number', async () => {
    const asked: EnqueueRequest[] = [];
    const enqueuing = {
      enqueue: (request: EnqueueRequest) => {
        asked.push(request);
        return Promise.resolve(decision({ jobId: 'nse-7-3' }));
      },
    };
    await batchSender('nse', 'store', lease(), enqueuing)(batch);
    const data = {
      stream: 'nse',
      shard: 0,
      fence: 7,
      firstSeq: 11,
      lastSeq: 12,
      ticks: batch.ticks,
    };
    const guard = { name: 'stream:nse', fence: 7 };
    assert.deepEqual(asked, [
      { type: 'store', jobId: 'nse-7-3', record: 'refusals', lease: guard, data },
    ]);
  });

  it('takes it as sent when the same batch is there already', async () => {
    const there = decision({ outcome: 'already_queued', reason: 'unique_key', jobId: 'nse-7-3' });
    await batchSender('nse', 'store', lease(), { enqueue: () => Promise.resolve(there) })(batch);
  });

  it('fails for good when another job is in the way', async () => {
    const other = decision({ outcome: 'already_queued', reason: 'unique_key', jobId: 'nse-7-2' });
    const sent = batchSender('nse', 'store', lease(), { enqueue: () => Promise.resolve(other) })(
      batch,
    );
    await assert.rejects(
      sent,
      (error) => error instanceof InterlockError && error.code === 'conflict',
    );
  });

  it("fails for good when the script that enqueues says that the lease is another's", async () => {
    const late = decision({ outcome: 'refused', reason: 'lease_lost' });
    await assert.rejects(
      batchSender('nse', 'store', lease(), { enqueue: () => Promise.resolve(late) })(batch),
      (error) => error instanceof InterlockError && error.code === 'lease_lost',
    );
  });

  it('asks nobody once the lease is lost', async () => {
    const lost = new InterlockError({ code: 'lease_lost', message: 'lost' });
    const enqueuing = { enqueue: () => Promise.reject(new Error('asked')) };
    const send = batchSender('nse', 'store', lease(AbortSignal.abort(lost)), enqueuing);
    await assert.rejects(send(batch), lost);
  });

  it('uses ids that BullMQ takes and that two streams never share', () => {
    assert.equal(batchJobId('nse:eq', 7, 3), 'nse%3Aeq-7-3');
    assert.notEqual(batchJobId('nse:eq', 7, 3), batchJobId('nse_eq', 7, 3));
    assert.ok(!batchJobId('1', 2, 3).match(/^\d+$/));
  });
});
