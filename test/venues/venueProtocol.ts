import * as z from 'zod';

const rate = z.object({ count: z.number(), perMs: z.number() });

/** Rules that differ from the published ones. */
export const venueRules = z.object({
  connects: rate,
  tradeEveryMs: z.number(),
});

export const venueCommand = z.object({ command: z.enum(['drop', 'report']) });

/** The answer to each command, and the first message. */
export const venueReport = z.object({
  port: z.number(),
  violations: z.array(z.string()),
  connects: z.number(),
  openSockets: z.number(),
  subscriptions: z.record(z.string(), z.number()),
});

export type VenueReport = z.infer<typeof venueReport>;
export type VenueRules = z.infer<typeof venueRules>;
export type VenueCommand = z.infer<typeof venueCommand>;
