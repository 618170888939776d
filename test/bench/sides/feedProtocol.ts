import * as z from 'zod';

/** What a feed can be asked. */
export const feedRequest = z.discriminatedUnion('do', [
  /** So many ticks of each symbol that somebody has at this path, as fast as they are read. */
  z.object({
    do: z.literal('burst'),
    path: z.string(),
    perSymbol: z.number().int().positive(),
    /** Each frame in a write of its own, or one of each symbol of a connection together. */
    writes: z.enum(['single', 'together']),
  }),
  /** So many ticks of each symbol in each second, to everybody, until `rest` or for so long. */
  z.object({
    do: z.literal('pace'),
    perSecond: z.number().positive(),
    forMs: z.number().positive(),
  }),
  z.object({ do: z.literal('rest') }),
  z.object({ do: z.literal('report') }),
]);

export const feedReport = z.object({
  /** Sockets that are open. */
  clients: z.number(),
  /** Ticks that were sent, to all sockets together. */
  sent: z.number(),
  /** The longest time that a symbol, once subscribed, had nobody who listened. */
  longestUnheardMs: z.number(),
});

export const feedEnvelope = z.object({ id: z.number(), request: feedRequest });
export const feedAnswer = z.object({ id: z.number(), report: feedReport });
export const feedGreeting = z.object({ port: z.number() });

export type FeedRequest = z.infer<typeof feedRequest>;
export type FeedReport = z.infer<typeof feedReport>;

/** Answers the benchmark's requests from within the process of a feed, and ends with it. */
export function serveFeed(
  port: number,
  perform: (request: FeedRequest) => Promise<FeedReport>,
): void {
  process.on('message', (received: unknown) => {
    const { id, request } = feedEnvelope.parse(received);
    void perform(request).then((report) => process.send?.({ id, report }));
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port });
}
