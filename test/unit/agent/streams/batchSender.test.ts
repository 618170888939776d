import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { JsonText } from '../../../../agent/common/json.ts';
import type { EnqueueRequest } from '../../../../agent/jobs/enqueuing.ts';
import type { Lease } from '../../../../agent/leases/lease.ts';
import type { Decision } from '../../../../agent/protocol/decision.ts';
import type { Tick } from '../../../../agent/streams/adapters/tick.ts';
import { batchJobId, batchSender } from '../../../../agent/streams/pipeline/batchSender.ts';

const loss = new AbortController();
const leaseOf = (fence: number, signal = loss.signal): Lease => ({
  ...{ name: 'stream:nse:2', fence, acquiredAtMs: 0, signal },
  release: () => Promise.resolve(),
});
const ticks: Tick[] = [
  { symbol: 'a', price: 1, seq: 4 },
  { symbol: 'a', price: 1, seq: 5 },
  { symbol: 'b', price: 2 },
];
const json = JSON.stringify(ticks).slice(1, -1);
const lastSeqs = new Map([['a', 5]]);
const batch = { n: 3, firstSeq: 11, lastSeq: 13, count: 3, json, lastSeqs };

const decision = (facts: Partial<Decision>): Decision => ({
  ...{ id: '', at: '', action: 'enqueue', subject: 'store', key: null, outcome: 'accepted' },
  ...{ reason: 'within_limits', jobId: null, survivor: null, holder: null, until: null },
  ...{ remedy: null, counts: null, ...facts },
});

/** A sender whose every question gets this answer. */
function senderOf(answer: Decision | Error, lease: () => Lease = () => leaseOf(7)) {
  const asked: EnqueueRequest[] = [];
  const enqueue = (request: EnqueueRequest) => {
    asked.push(request);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const run = { stream: 'nse', shard: 2, type: 'store', firstFence: 7, progressKey: 'progress' };
  return { asked, send: batchSender({ ...run, lease, enqueuing: { enqueue } }) };
}

const textOf = (request: EnqueueRequest | undefined) =>
  request?.data instanceof JsonText ? request.data.text : '';

const failsWith = (code: string) => (error: unknown) =>
  error instanceof InterlockError && error.code === code;

describe('sending a batch', () => {
  it('makes a job whose id names stream, shard, first fence and number', async () => {
    const { asked, send } = senderOf(decision({ jobId: 'nse-2-7-3' }));
    await send(batch);
    const { firstSeq, lastSeq } = batch;
    const data = { stream: 'nse', shard: 2, fence: 7, firstSeq, lastSeq, ticks };
    const progress = { key: 'progress', fields: lastSeqs };
    const guard = { name: 'stream:nse:2', fence: 7, progress };
    const text = new JsonText(JSON.stringify(data));
    assert.deepEqual(asked, [
      { type: 'store', jobId: 'nse-2-7-3', record: 'refusals', lease: guard, data: text },
    ]);
  });

  it('keeps the id when the lease was lost and won again, and tells the fence held now', async () => {
    let lease = leaseOf(7);
    const { asked, send } = senderOf(decision({}), () => lease);
    await send(batch);
    lease = leaseOf(9);
    await send(batch);
    assert.deepEqual(
      asked.map(({ jobId, lease: guard }) => [jobId, guard?.fence]),
      [
        ['nse-2-7-3', 7],
        ['nse-2-7-3', 9],
      ],
    );
    assert.match(textOf(asked[1]), /^{"stream":"nse","shard":2,"fence":9,/);
  });

  it('takes it as sent when the same batch is there already', async () => {
    const there = { outcome: 'already_queued', reason: 'unique_key', jobId: 'nse-2-7-3' } as const;
    await senderOf(decision(there)).send(batch);
  });

  it('fails for good when another job is in the way', async () => {
    const other = { outcome: 'already_queued', reason: 'unique_key', jobId: 'nse-2-7-2' } as const;
    await assert.rejects(senderOf(decision(other)).send(batch), failsWith('conflict'));
  });

  it("says so when the script that enqueues finds the lease another's", async () => {
    const late = decision({ outcome: 'refused', reason: 'lease_lost' });
    await assert.rejects(senderOf(late).send(batch), failsWith('lease_lost'));
  });

  it('asks nobody while the lease is lost', async () => {
    const lost = new InterlockError({ code: 'lease_lost', message: 'lost' });
    const { asked, send } = senderOf(decision({}), () => leaseOf(7, AbortSignal.abort(lost)));
    await assert.rejects(send(batch), lost);
    assert.deepEqual(asked, []);
  });

  it('uses ids that BullMQ takes and that two runs never share', () => {
    assert.equal(batchJobId('nse:eq', 2, 7, 3), 'nse%3Aeq-2-7-3');
    assert.notEqual(batchJobId('nse:eq', 2, 7, 3), batchJobId('nse_eq', 2, 7, 3));
    assert.notEqual(batchJobId('nse', 1, 7, 3), batchJobId('nse', 2, 7, 3));
    assert.ok(!batchJobId('1', 2, 3, 4).match(/^\d+$/));
  });
});
