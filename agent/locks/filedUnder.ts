import { labelOfDeduplicationId } from '../jobs/uniqueKey.ts';
import type { Decision } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';

/** Under which subject and key decisions about a lock stand: beside the others of what it protects. */
export function filedUnder(row: LockRow): Pick<Decision, 'subject' | 'key'> {
  if (row.kind === 'stream') return { subject: row.subject, key: row.name };
  if (row.kind === 'scheduler') return { subject: row.name, key: null };
  if (row.job === null) return { subject: row.subject, key: null };
  return { subject: row.job.type, key: keyOf(row, row.job) };
}

/** The subject of a row is `type [key]`; of a uniqueness key the id tells it as well. */
function keyOf(row: LockRow, job: { queue: string; type: string }): string | null {
  if (row.kind === 'dedup')
    return labelOfDeduplicationId(row.name.slice(`dedup:${job.queue}/`.length));
  const key = row.subject.slice(job.type.length);
  return key.startsWith(' [') && key.endsWith(']') ? key.slice(2, -1) : null;
}
