import { InterlockError } from '../common/errors.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { Lease } from '../leases/lease.ts';
import type { Batch } from './batcher.ts';

/**
 * Makes a job of each batch. The job id is made of stream, fence and number, so that a batch that is
 * tried again after an answer got lost is still one job.
 * @param type the job type that gets the batches
 */
export function batchSender(
  stream: string,
  type: string,
  lease: Lease,
  enqueuing: Enqueuing,
): (batch: Batch) => Promise<void> {
  return async ({ n, firstSeq, lastSeq, ticks }) => {
    lease.signal.throwIfAborted();
    const { name, fence } = lease;
    const jobId = batchJobId(stream, fence, n);
    const decision = await enqueuing.enqueue({
      type,
      jobId,
      record: 'refusals',
      // Whoever holds the lease now sends its own ticks: a late batch of ours would be the second one.
      lease: { name, fence },
      data: { stream, shard: 0, fence, firstSeq, lastSeq, ticks },
    });
    const survivor = decision.survivor?.jobId ?? decision.jobId;
    if (decision.outcome === 'accepted' || survivor === jobId) return;
    if (decision.reason === 'lease_lost') throw batchOfOldOwner(jobId, name, fence);
    throw new InterlockError({
      code: 'conflict',
      message: `The batch ${jobId} was not enqueued: ${decision.outcome} (${decision.reason}), ${survivor ?? 'another job'} is there.`,
      remedy: `Remove "unique" from the job type ${type}: each batch of ticks is a job of its own.`,
    });
  };
}

function batchOfOldOwner(jobId: string, lease: string, fence: number): InterlockError {
  return new InterlockError({
    code: 'lease_lost',
    message: `The batch ${jobId} was not enqueued: the lease ${lease} with fence ${fence} is another's by now.`,
    remedy: 'Nothing is to be done: whoever holds the stream now sends its own ticks.',
  });
}

/** BullMQ allows no ":" in a job id, and a stream's name may have one. */
export function batchJobId(stream: string, fence: number, n: number): string {
  return `${encodeURIComponent(stream)}-${fence}-${n}`;
}
