import { assertNever } from '../common/assertNever.ts';
import type { DecisionReason, Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';

export interface ReleaseRequest {
  force: boolean;
  /** That of the holding that the person saw. */
  fence?: number | undefined;
}

/** Whether a lock may be freed, by which rule, and what that means or what there is to do instead. */
export type ReleaseVerdict =
  | { allowed: true; reason: DecisionReason; remedy: string | null }
  | { allowed: false; reason: DecisionReason; remedy: string };

/** A lock whose holder is proven dead is free for the asking; any other needs `force`. */
export function judgeRelease(row: LockRow, { force, fence }: ReleaseRequest): ReleaseVerdict {
  if (fence !== undefined && fence !== row.fence) return CHANGED_HANDS;
  if (row.state === 'holder_dead') return { allowed: true, reason: 'holder_dead', remedy: null };
  if (row.state === 'orphaned') return { allowed: true, reason: 'orphaned', remedy: null };
  if (force)
    return { allowed: true, reason: 'released_by_person', remedy: capital(consequence(row)) };
  return { allowed: false, reason: 'holder_alive', remedy: remedyFor(row) };
}

/** It has another holder than the one that was judged. */
export const CHANGED_HANDS: ReleaseVerdict = {
  allowed: false,
  reason: 'lease_held',
  remedy: 'It changed hands meanwhile. Look at it again before you release it.',
};

function remedyFor(row: LockRow): string {
  return `${wait(row)}, ${stop(row)}, or use --force: ${consequence(row)}`;
}

function wait({ kind, job }: LockRow): string {
  if (job !== null) return `Wait until job ${job.id} has ended`;
  return kind === 'watched'
    ? 'Wait until its holder frees it'
    : 'Wait until its holder gives it back';
}

function stop(row: LockRow): string {
  if (row.kind === 'dedup') return 'remove that job while it waits';
  return row.kind === 'stream' ? 'stop the stream' : `stop ${holderText(row.holder)}`;
}

function holderText(holder: Holder | null): string {
  if (holder === null) return 'its holder, which is not known here';
  return `process ${holder.pid} on ${holder.host}`;
}

/** What releasing it by force does. */
function consequence({ kind, job }: LockRow): string {
  const id = job?.id ?? '';
  switch (kind) {
    case 'scheduler':
    case 'stream':
      return 'the fencing token moves on, so the old holder loses it at its next renewal and can do no harm.';
    case 'run':
      return `job ${id} is run again under a higher fencing token, and the result of the run of now is refused. What its handler did until then stays done.`;
    case 'job':
      return `job ${id} is run again, and BullMQ refuses the result of the run of now. Its worker is none of Interlock's and may go on for a while.`;
    case 'dedup':
      return `a second job of this key can come in while job ${id} is still there.`;
    case 'watched':
      return 'the key is deleted, and nobody tells the program that holds it.';
    default:
      return assertNever(kind);
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
