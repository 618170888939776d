import { InterlockError } from '../common/errors.ts';
import type { Decision } from '../protocol/decision.ts';

/** What a handler's `ctx.enqueue` rejects with where the rule says that a conflict is a failure. */
export function enqueueRefused({ subject, key, survivor, remedy }: Decision): InterlockError {
  const about = key === null || key === '*' ? subject : `${subject} (${key})`;
  const why =
    survivor === null
      ? 'it may not come in now'
      : `job ${survivor.jobId} has this key and is ${survivor.state}`;
  return new InterlockError({
    code: 'conflict',
    message: `Enqueueing ${about} is refused: ${why}. Its rule says "onConflict": "fail"; with "skip" this would be a decision to look at.`,
    ...(remedy === null ? {} : { remedy }),
    details: { type: subject, key, survivor: survivor?.jobId ?? null },
  });
}
