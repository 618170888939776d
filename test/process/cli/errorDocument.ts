import * as z from 'zod';

/** What --json prints when a command fails. */
export const errorDocument = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    remedy: z.string().nullable(),
  }),
});
