import { runResult, type Effect, type FaultRecord, type QueueEvent } from './faultRecord.ts';

/** Everything that the record knows of one job. */
export interface JobStory {
  id: string;
  type: string;
  queue: string;
  added: QueueEvent[];
  /** `completed`, `failed` and `removed`. */
  ends: QueueEvent[];
  events: QueueEvent[];
  effects: Effect[];
}

const ENDS = ['completed', 'failed', 'removed'];

/** The stories of all jobs that were added. */
export function jobStories({
  events,
  effects,
}: Pick<FaultRecord, 'events' | 'effects'>): Map<string, JobStory> {
  const stories = new Map<string, JobStory>();
  for (const event of events) {
    if (event.jobId === '') continue;
    const story = stories.get(event.jobId) ?? newStory(event);
    stories.set(event.jobId, story);
    story.events.push(event);
    if (event.event === 'added') {
      story.added.push(event);
      story.type = event.fields['name'] ?? '?';
    } else if (ENDS.includes(event.event)) story.ends.push(event);
  }
  for (const effect of effects) stories.get(effect.jobId)?.effects.push(effect);
  return stories;
}

/** Jobs that were added before that moment of Redis' time, and have not ended. */
export function unended(stories: Iterable<JobStory>, addedBeforeMs: number): JobStory[] {
  return [...stories].filter(
    ({ added: [added], ends }) =>
      added !== undefined && ends.length === 0 && msOfEntry(added.id) < addedBeforeMs,
  );
}

/** The time that the id of a stream entry carries. */
export function msOfEntry(id: string): number {
  return Number(id.split('-')[0]);
}

/** The run whose result was recorded as that of the job; undefined when it did not complete by a run. */
export function resultOf(story: JobStory): { run: string; fence: number } | undefined {
  const completed = story.ends.find((event) => event.event === 'completed');
  try {
    return runResult.safeParse(JSON.parse(completed?.fields['returnvalue'] ?? 'null')).data;
  } catch {
    return undefined;
  }
}

export function eventLine({ id, event, fields }: QueueEvent): string {
  const rest = Object.entries(fields)
    .filter(([name]) => !['event', 'jobId'].includes(name))
    .map(([name, value]) => `${name}=${value}`);
  return `${id}  ${event} ${rest.join(' ')}`.trimEnd();
}

function newStory({ jobId, queue }: QueueEvent): JobStory {
  return { id: jobId, type: '?', queue, added: [], ends: [], events: [], effects: [] };
}
