import * as z from 'zod';
import { storyEvent } from '../../protocol/api.ts';

/** What a line of a story means to its judge. Texts are for people, facts are counted. */
export const storyFact = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('socket'), change: z.enum(['opened', 'closed']) }),
  /** Somebody asked for something, and that is the answer. */
  z.object({ kind: z.literal('asked'), outcome: z.string(), reason: z.string() }),
  /** A job came into the queue; of a schedule, for the slot with that number. */
  z.object({ kind: z.literal('enqueued'), slot: z.number().int(), job: z.string() }),
  z.object({ kind: z.literal('run_started'), run: z.number().int(), fence: z.number().nullable() }),
  z.object({ kind: z.literal('run_ended'), run: z.number().int() }),
  /** A write at the resource. */
  z.object({ kind: z.literal('write'), run: z.number().int(), accepted: z.boolean() }),
  /** A run was told that its lock is lost. */
  z.object({ kind: z.literal('told_lost'), run: z.number().int() }),
  z.object({ kind: z.literal('killed') }),
  z.object({ kind: z.literal('alarm') }),
]);

export const storyLine = z.object({
  actor: z.string(),
  text: z.string(),
  tone: storyEvent.shape.tone,
  fact: storyFact.nullable(),
});

export type StoryFact = z.infer<typeof storyFact>;
export type StoryLine = z.infer<typeof storyLine>;

/** A line with the time of Redis at which it was written, ms: one order for all processes. */
export interface StoryRecord extends StoryLine {
  atMs: number;
}

/** The facts of one kind, in order. */
export function factsOf<K extends StoryFact['kind']>(
  records: readonly StoryRecord[],
  kind: K,
): Extract<StoryFact, { kind: K }>[] {
  return records.flatMap(({ fact }) => (isOf(fact, kind) ? [fact] : []));
}

function isOf<K extends StoryFact['kind']>(
  fact: StoryFact | null,
  kind: K,
): fact is Extract<StoryFact, { kind: K }> {
  return fact?.kind === kind;
}
