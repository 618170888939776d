import * as z from 'zod';

/** The status of a job whose payload is of no use: trying again would not change it. */
export function rejected(error: z.ZodError) {
  return { status: 'rejected', why: z.prettifyError(error) } as const;
}
