import type { Job, JobsOptions } from 'bullmq';
import * as z from 'zod';
import type { JsonValue } from '../common/json.ts';

/** BullMQ keeps options that it does not know with the job, and gives them back. */
const replayed = z.object({ interlock: z.object({ replayOf: z.string() }) });

/** The options of a job that runs an older one again. @param replayOf `queue/id` of that one */
export function replayOptions(replayOf: string): JobsOptions {
  const options: JobsOptions & z.infer<typeof replayed> = { interlock: { replayOf } };
  return options;
}

/** `queue/id` of the job that this one runs again; null: it is no replay. */
export function replayOf(options: unknown): string | null {
  return replayed.safeParse(options).data?.interlock.replayOf ?? null;
}

/** What a job was enqueued with. Redis holds it as JSON, so it is JSON. */
export function payloadOf(job: Job): JsonValue {
  return z.json().catch({}).parse(job.data);
}
