import * as z from 'zod';

/** One price, as a feed sends it. Other fields of the feed are kept; `seq` and `ts` may be absent. */
export const tick = z
  .object({
    symbol: z.string().min(1),
    price: z.number(),
    /** Grows by one per symbol, when the feed numbers its ticks. */
    seq: z.number().int().optional(),
    /** Time of the tick as the feed tells it. */
    ts: z.union([z.number(), z.string()]).optional(),
  })
  .catchall(z.json());

export type Tick = z.infer<typeof tick>;
