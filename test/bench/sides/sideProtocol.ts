import * as z from 'zod';

/** What a side of a comparison can be asked to do. Both sides get the same requests. */
export const sideRequest = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('enqueue'),
    variant: z.enum(['unique', 'plain']),
    inFlight: z.number().int().positive(),
    count: z.number().int().positive(),
    /** Makes the keys of one round differ from those of all others. */
    round: z.string(),
    /** So many keys, taken in turn: every job of a key but the first is refused. 0: each has its own. */
    keys: z.number().int().nonnegative(),
  }),
  z.object({
    do: z.literal('work'),
    queue: z.string(),
    isolation: z.enum(['process', 'inline']),
    concurrency: z.number().int().positive(),
    unique: z.boolean(),
  }),
  z.object({ do: z.literal('rest') }),
  z.object({
    do: z.literal('receive'),
    url: z.string(),
    count: z.number().int().positive(),
  }),
]);

/** @param keys 0: the jobs of a round all have keys of their own */
export function keyOf(round: string, n: number, keys: number): string {
  return `${round}-${keys === 0 ? n : n % keys}`;
}

export type SideRequest = z.infer<typeof sideRequest>;

export const sideEnvelope = z.object({ id: z.number(), request: sideRequest });

/** `ms` is how long it took, as the side saw it. */
export const sideAnswer = z.object({
  id: z.number(),
  ms: z.number(),
  error: z.string().nullable(),
});

export const JOB_TYPE = 'echo';

/** What both sides enqueue. */
export interface Payload {
  n: number;
  key: string;
  note: string;
}

export function payload(n: number, key: string): Payload {
  return { n, key, note: 'a payload of about a hundred characters, as many jobs have one' };
}
