import { InterlockError } from '../../common/errors.ts';
import { JsonText } from '../../common/json.ts';
import type { Enqueuing } from '../../jobs/enqueuing.ts';
import type { Lease } from '../../leases/lease.ts';
import type { Batch } from './batcher.ts';

export interface BatchSenderOptions {
  stream: string;
  shard: number;
  /** The job type that gets the batches. */
  type: string;
  /** Of the lease under which the run of the shard began. */
  firstFence: number;
  /** The lease that is held now, or was held last. */
  lease: () => Lease;
  enqueuing: Enqueuing;
  /** Where it is kept which number of each symbol was enqueued last. */
  progressKey: string;
}

/**
 * Makes a job of each batch. Its id is fixed for the run of the shard: a batch that is tried again
 * after an answer got lost is still one job, even when the lease was lost and won again meanwhile.
 * A batch without a lease fails with `lease_lost`, and may be tried again: whoever runs the shard
 * knows whether the lease comes back with nobody in between.
 */
export function batchSender(options: BatchSenderOptions): (batch: Batch) => Promise<void> {
  const { stream, shard, type, firstFence, enqueuing, progressKey } = options;
  return async ({ n, firstSeq, lastSeq, json, lastSeqs }) => {
    const { name, fence, signal } = options.lease();
    signal.throwIfAborted();
    const jobId = batchJobId(stream, shard, firstFence, n);
    const decision = await enqueuing.enqueue({
      type,
      jobId,
      record: 'refusals',
      // Whoever holds the lease now sends its own ticks: a late batch of ours would be the second one.
      lease: { name, fence, progress: { key: progressKey, fields: lastSeqs } },
      data: payloadOf({ stream, shard, fence, firstSeq, lastSeq }, json),
    });
    const survivor = decision.survivor?.jobId ?? decision.jobId;
    if (decision.outcome === 'accepted' || survivor === jobId) return;
    if (decision.reason === 'lease_lost') throw batchWithoutLease(jobId, name, fence);
    throw new InterlockError({
      code: 'conflict',
      message: `The batch ${jobId} was not enqueued: ${decision.outcome} (${decision.reason}), ${survivor ?? 'another job'} is there.`,
      remedy: `Remove "unique" from the job type ${type}: each batch of ticks is a job of its own.`,
    });
  };
}

/** The payload of the job, put together from JSON that is there already. */
function payloadOf(head: object, ticks: string): JsonText {
  return new JsonText(`${JSON.stringify(head).slice(0, -1)},"ticks":[${ticks}]}`);
}

function batchWithoutLease(jobId: string, lease: string, fence: number): InterlockError {
  return new InterlockError({
    code: 'lease_lost',
    message: `The batch ${jobId} was not enqueued: the lease ${lease} is not held with fence ${fence} any more.`,
    remedy: 'Nothing is to be done: whoever holds the shard now sends its own ticks.',
  });
}

/** BullMQ allows no ":" in a job id, and a stream's name may have one. */
export function batchJobId(stream: string, shard: number, firstFence: number, n: number): string {
  return `${batchIdPrefix(stream, shard, firstFence)}${n}`;
}

/** What the job ids of all batches of one run of a shard begin with. */
export function batchIdPrefix(stream: string, shard: number, firstFence: number): string {
  return `${encodeURIComponent(stream)}-${shard}-${firstFence}-`;
}
