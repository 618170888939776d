import type { Orphan } from '../../protocol/api.ts';
import type { Style } from './style.ts';
import { plural } from './table.ts';

const KINDS: Record<Orphan['kind'], string> = {
  lease: 'lease',
  dedup: 'uniqueness key',
  admission: 'place under maxConcurrent',
  running: 'note of a run',
  agent: 'agent entry',
  stuck_job: 'stuck job',
};

/** Each orphan with the proof that it is one. */
export function orphansText(orphans: Orphan[], dryRun: boolean, style: Style): string {
  if (orphans.length === 0) {
    return 'No orphan: everything in Redis belongs to a job or a process that is there.';
  }
  const lines = orphans.map((orphan) => {
    const subject = orphan.name.includes(orphan.subject) ? '' : ` (${orphan.subject})`;
    const mark = dryRun
      ? ''
      : orphan.removed
        ? `${style.good('removed')} `
        : `${style.warning('left')} `;
    return `${mark}${style.heading(KINDS[orphan.kind])} ${orphan.name}${subject}\n  ${style.quiet(orphan.why)}`;
  });
  return [...lines, '', summary(orphans, dryRun)].join('\n');
}

function summary(orphans: Orphan[], dryRun: boolean): string {
  const found = plural(orphans.length, 'orphan');
  if (dryRun) return `${found}. Nothing was changed; "interlock orphans --remove" removes them.`;
  const removed = orphans.filter((orphan) => orphan.removed).length;
  return removed === orphans.length
    ? `Removed ${found}.`
    : `Removed ${removed} of ${found}; the others are another's, or came to life meanwhile.`;
}
