import type { Stage } from './stage.ts';
import { factsOf, type StoryRecord } from './storyRecord.ts';

/** What the resource did with writes of a run that came after one of a later run. */
export function lateWrites(records: readonly StoryRecord[]): {
  accepted: number;
  refused: number;
} {
  const late = { accepted: 0, refused: 0 };
  let newest = 0;
  for (const { run, accepted } of factsOf(records, 'write')) {
    if (run < newest) late[accepted ? 'accepted' : 'refused'] += 1;
    else if (accepted) newest = run;
  }
  return late;
}

/** Waits until the resource has taken something from a run. */
export function written(stage: Stage, run: number): Promise<true> {
  return stage.until(`run ${run} to write`, (records) =>
    factsOf(records, 'write').some((write) => write.run === run && write.accepted)
      ? true
      : undefined,
  );
}

export function runEnded(stage: Stage, run: number): Promise<true> {
  return stage.until(`run ${run} to end`, (records) =>
    factsOf(records, 'run_ended').some((ended) => ended.run === run) ? true : undefined,
  );
}
