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
  /** Subscribes to all of `symbols`, over so many connections. */
  z.object({
    do: z.literal('openPool'),
    url: z.string(),
    symbols: z.array(z.string()),
    connections: z.number().int().positive(),
    /** What the peer does with a frame. Ours always does everything. */
    work: z.enum(['parse', 'count']),
  }),
  /** Takes so many more ticks; ours is done when they are jobs in Redis. */
  z.object({ do: z.literal('takeTicks'), count: z.number().int().positive() }),
  z.object({ do: z.literal('closePool') }),
  /** Starts handlers of tick batches, which write to that folder what they had. Ours only. */
  z.object({ do: z.literal('openBatching'), folder: z.string() }),
  /** So many ticks, in batches, until the last one was handled. Ours only. */
  z.object({
    do: z.literal('batchTicks'),
    round: z.string(),
    count: z.number().int().positive(),
  }),
  /** One job for each tick. The peer's only, as the next one. */
  z.object({ do: z.literal('addEach'), queue: z.string(), count: z.number().int().positive() }),
  /** Handles so many ticks, one job each. */
  z.object({ do: z.literal('handleEach'), queue: z.string(), count: z.number().int().positive() }),
]);

/** @param keys 0: the jobs of a round all have keys of their own */
export function keyOf(round: string, n: number, keys: number): string {
  return `${round}-${keys === 0 ? n : n % keys}`;
}

export type SideRequest = z.infer<typeof sideRequest>;

export const sideEnvelope = z.object({ id: z.number(), request: sideRequest });

/** What a side tells of one request. */
export const sideFigures = z.object({
  /** How long it took, as the side saw it. */
  ms: z.number(),
  /** CPU time of the whole process meanwhile, all its threads. */
  cpuMs: z.number(),
  /** The most memory that the process ever had. */
  peakRssBytes: z.number(),
  /** Ticks that did not come, or came twice, where it counts them. */
  lost: z.number(),
});

export const sideAnswer = z.object({
  id: z.number(),
  figures: sideFigures,
  error: z.string().nullable(),
});

export type SideFigures = z.infer<typeof sideFigures>;

/** What carrying out a request comes to: how many ms, and what was lost. */
export type SideOutcome = number | Pick<SideFigures, 'ms' | 'lost'>;

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

/** Where the batches of the pool go. Nobody works on it. */
export const POOL_QUEUE = 'pool_ticks';

/** A tick as the feeds of the benchmarks send it. */
export type BenchTick = {
  symbol: string;
  price: number;
  /** 1, 2, 3 … of its symbol. */
  seq: number;
  ts: number;
};

/** The n-th tick of a symbol, counted from 1. */
export function benchTick(symbol: string, n: number, ts: number): BenchTick {
  return { symbol, price: 100 + (n % 50) / 10, seq: n, ts };
}
