import type { Decision } from '../../agent/protocol/decision.ts';
import { effectLine } from './checkEffects.ts';
import type { EnqueueEntry, FaultRecord, Violation, ViolationRule } from './faultRecord.ts';
import { eventLine, type JobStory } from './jobStories.ts';

/** Outcomes after which a job of this very question exists. */
const MAKES_A_JOB = ['accepted', 'rescheduled'];

/** Each question came to what its answer says, and each refusal says why. */
export function checkEnqueues(record: FaultRecord, stories: Map<string, JobStory>): Violation[] {
  const jobs = jobsByNumber(record);
  const recorded = new Set(record.decisions.map(({ id }) => id));
  return [
    ...record.enqueues.flatMap((entry) =>
      checkAnswer(entry, [...(jobs.get(entry.n) ?? [])], recorded, stories),
    ),
    ...record.decisions.flatMap(checkExplained),
  ];
}

function checkAnswer(
  entry: EnqueueEntry,
  jobs: string[],
  recorded: Set<string>,
  stories: Map<string, JobStory>,
): Violation[] {
  const found = (rule: ViolationRule, what: string) => [
    violation(rule, entry, what, jobs, stories),
  ];
  if (jobs.length > 1) return found('enqueued_twice', `became ${jobs.length} jobs`);
  const { answer } = entry;
  if (answer === null) return found('never_answered', 'was never answered');
  if (answer.kind === 'unknown') return [];
  if (answer.kind === 'error') {
    return found('unexplained_error', `failed with something nobody can act on: ${answer.why}`);
  }
  const { outcome, jobId, id } = answer.decision;
  if (MAKES_A_JOB.includes(outcome)) {
    if (jobId === null || !stories.has(jobId)) {
      return found('not_ended', `was accepted as job ${jobId ?? 'none'}, which never came to be`);
    }
    return jobs.some((job) => job !== jobId)
      ? found('accepted_is_another', `was accepted as job ${jobId} and ran as ${jobs.join()}`)
      : [];
  }
  if (jobs.length > 0 && outcome !== 'replaced') {
    return found('refused_but_ran', `was refused (${outcome}) and ran as ${jobs.join()}`);
  }
  return recorded.has(id)
    ? []
    : found('unrecorded_refusal', `was refused by ${id}, not in the record`);
}

/** A person can read why, because of whom or what, and what to do. */
function checkExplained(decision: Decision): Violation[] {
  const missing = missingFrom(decision);
  if (missing.length === 0) return [];
  return [
    {
      rule: 'unexplained_refusal',
      subject: `decision ${decision.id}`,
      what: `${decision.action} of ${decision.subject} is ${decision.outcome} and does not tell ${missing.join(' and ')}`,
      excerpt: [JSON.stringify(decision)],
    },
  ];
}

function missingFrom(decision: Decision): string[] {
  const { outcome, reason, survivor, holder, counts, remedy } = decision;
  if (['accepted', 'replaced', 'rescheduled'].includes(outcome)) return [];
  const missing: string[] = [];
  if (reason === 'within_limits') missing.push('the rule');
  if (outcome.startsWith('already_') && survivor === null) missing.push('which job is there');
  if (survivor !== null && ['unknown', ''].includes(survivor.state)) missing.push('its state');
  if (reason === 'concurrency_limit' && counts === null) missing.push('how many there are');
  if (['lease_held', 'holder_alive'].includes(reason) && holder === null)
    missing.push('the holder');
  if (remedy === null || remedy === '') missing.push('a remedy');
  return missing;
}

function jobsByNumber({ effects }: FaultRecord): Map<number, Set<string>> {
  const jobs = new Map<number, Set<string>>();
  for (const { n, jobId } of effects) {
    if (n !== null) jobs.set(n, (jobs.get(n) ?? new Set()).add(jobId));
  }
  return jobs;
}

function violation(
  rule: ViolationRule,
  entry: EnqueueEntry,
  what: string,
  jobs: string[],
  stories: Map<string, JobStory>,
): Violation {
  const own = jobs.flatMap((job) => {
    const story = stories.get(job);
    return [...(story?.events.map(eventLine) ?? []), ...(story?.effects.map(effectLine) ?? [])];
  });
  return {
    ...{ rule, subject: `enqueue ${entry.n}` },
    what: `enqueue ${entry.n} of ${entry.type}/${entry.key} at ${entry.agent} ${what}`,
    excerpt: [JSON.stringify(entry), ...own],
  };
}
