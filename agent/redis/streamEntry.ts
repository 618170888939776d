import * as z from 'zod';

/** One entry of a Redis stream: its id, and names and values. */
export const streamEntry = z.tuple([z.string(), z.array(z.string())]);

export type StreamEntry = z.infer<typeof streamEntry>;
