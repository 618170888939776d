import { checkEffects } from './checkEffects.ts';
import { checkEnqueues } from './checkEnqueues.ts';
import { checkJobs } from './checkJobs.ts';
import type { FaultRecord, LiveJob, TypeRule, Violation } from './faultRecord.ts';
import { jobStories } from './jobStories.ts';

/**
 * What of a record must not be there. Pure: the record is complete, the faults have stopped and the
 * system has had its time to settle.
 */
export function check(record: FaultRecord): Violation[] {
  const stories = jobStories(record);
  return [
    ...record.seen,
    ...checkEffects(record),
    ...checkJobs(record, stories),
    ...checkEnqueues(record, stories),
  ];
}

/** What must not be there at any moment, whatever fails: `jobs` are all that have not ended. */
export function checkSnapshot(jobs: LiveJob[], rules: Record<string, TypeRule>): Violation[] {
  const lines = (own: LiveJob[]) => own.map((job) => JSON.stringify(job));
  const violations: Violation[] = [];
  for (const [id, own] of grouped(jobs, (job) => job.id)) {
    if (own.length === 1) continue;
    const what = `job ${id} is in ${own.map(({ state }) => state).join(' and ')} at one time`;
    violations.push({ rule: 'two_places', subject: `job ${id}`, what, excerpt: lines(own) });
  }
  for (const [type, ofType] of grouped(jobs, (job) => job.type)) {
    const rule = rules[type];
    const ids = (own: LiveJob[]) => new Set(own.map(({ id }) => id)).size;
    if (rule?.limit != null && ids(ofType) > rule.limit) {
      const what = `${ids(ofType)} jobs of ${type} are queued or running, and ${rule.limit} may be`;
      violations.push({
        rule: 'concurrency_limit',
        ...{ subject: type, what, excerpt: lines(ofType) },
      });
    }
    if (rule?.unique !== true) continue;
    for (const [key, own] of grouped(ofType, (job) => job.key ?? '')) {
      if (ids(own) <= 1) continue;
      const what = `${ids(own)} jobs of ${type}/${key} are queued or running`;
      violations.push({
        ...{ rule: 'unique_key', subject: `${type}/${key}`, what, excerpt: lines(own) },
      });
    }
  }
  return violations;
}

function grouped<T>(all: T[], nameOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const name = nameOf(one);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return groups;
}
