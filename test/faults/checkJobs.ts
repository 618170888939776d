import { effectLine } from './checkEffects.ts';
import type { FaultRecord, Violation, ViolationRule } from './faultRecord.ts';
import { eventLine, resultOf, unended, type JobStory } from './jobStories.ts';

const EXCERPT_LINES = 40;

/** Every job was added once and ended once, by the newest of its runs. */
export function checkJobs(record: FaultRecord, stories: Map<string, JobStory>): Violation[] {
  const lost = unended(stories.values(), record.calmSinceMs).map((story) =>
    violation('not_ended', story, 'was accepted and never ended'),
  );
  const violations = [...stories.values()].flatMap((story) => [
    ...checkAdded(story),
    ...checkEnd(story, record),
    ...checkResult(story),
  ]);
  return [...lost, ...violations, ...checkResultsGrow(record, stories)];
}

/** A slot's job id is made of its time: so this is also "a slot is enqueued once". */
function checkAdded(story: JobStory): Violation[] {
  if (story.added.length <= 1) return [];
  return [violation('added_once', story, `was added ${story.added.length} times`)];
}

function checkEnd(story: JobStory, record: FaultRecord): Violation[] {
  if (story.ends.length === 0) return [];
  if (story.ends.length > 1) {
    return [violation('ended_once', story, `ended ${story.ends.length} times`)];
  }
  const trouble = wrongEnd(story, record);
  return trouble === undefined ? [] : [violation('wrong_end', story, trouble)];
}

/** How a job may end: by a run, by the failure of its last attempt, or by a decision that skips it. */
function wrongEnd(story: JobStory, { decisions }: FaultRecord): string | undefined {
  const end = story.ends[0];
  if (end?.event === 'failed') {
    const reason = end.fields['failedReason'] ?? '';
    return /stalled/i.test(reason) ? `was given up: ${reason}` : undefined;
  }
  const result = resultOf(story);
  if (end?.event === 'completed' && result !== undefined) return undefined;
  const skipped = decisions.some(
    ({ jobId, outcome, survivor }) =>
      ['skipped', 'replaced'].includes(outcome) &&
      (jobId === story.id || survivor?.jobId === story.id),
  );
  return skipped ? undefined : `is ${end?.event ?? '?'} without a result, and no decision says why`;
}

/** The run whose result counts is the newest that the resource saw, and all that it did was accepted. */
function checkResult(story: JobStory): Violation[] {
  const result = resultOf(story);
  if (result === undefined) return [];
  const own = story.effects.filter((effect) => effect.run === result.run);
  if (!own.some((effect) => effect.kind === 'end') || own.some((effect) => !effect.accepted)) {
    return [
      violation('stale_result', story, `has the result of run ${result.run}, which was refused`),
    ];
  }
  const newer = story.effects.find((effect) => effect.accepted && effect.fence > result.fence);
  if (newer === undefined) return [];
  const what = `has the result of run ${result.run} (token ${result.fence}), but run ${newer.run} with token ${newer.fence} had begun`;
  return [violation('stale_result', story, what)];
}

/** In the order in which Redis recorded results, the tokens of a key grow. */
function checkResultsGrow(record: FaultRecord, stories: Map<string, JobStory>): Violation[] {
  const last = new Map<string, { fence: number; story: JobStory }>();
  const violations: Violation[] = [];
  for (const event of record.events) {
    const story = event.event === 'completed' ? stories.get(event.jobId) : undefined;
    const result = story === undefined ? undefined : resultOf(story);
    const key = story?.effects[0]?.key;
    if (story === undefined || result === undefined || key === undefined) continue;
    const before = last.get(key);
    if (before !== undefined && before.story !== story && result.fence <= before.fence) {
      const what = `of ${key} completed with token ${result.fence} after job ${before.story.id} with ${before.fence}`;
      violations.push(violation('tokens_grow', story, what));
    }
    last.set(key, { fence: result.fence, story });
  }
  return violations;
}

function violation(rule: ViolationRule, story: JobStory, what: string): Violation {
  const lines = [...story.events.map(eventLine), ...story.effects.map(effectLine)];
  return {
    ...{ rule, subject: `job ${story.id}`, what: `${story.type} job ${story.id} ${what}` },
    excerpt: lines.slice(-EXCERPT_LINES),
  };
}
