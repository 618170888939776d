import * as z from 'zod';
import { parseDurationMs } from '../common/duration.ts';
import { messageOf } from '../common/errors.ts';

/** Values of flags: text from the command line, checked and turned into what they mean. */

export function wholeNumber(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .pipe(z.number().min(min, expected).max(max, expected));
}

/** Milliseconds from text such as `20s`. */
export const durationFlag = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  context.addIssue({
    code: 'custom',
    message: `expected a duration such as 20s or 5m, not "${text}"`,
  });
  return z.NEVER;
});

/** A JSON text. */
export const jsonFlag = z.string().transform((text, context) => {
  try {
    return z.json().parse(JSON.parse(text));
  } catch (error) {
    context.addIssue({
      code: 'custom',
      message: `expected JSON, such as '{"network":"mainnet"}': ${messageOf(error)}`,
    });
    return z.NEVER;
  }
});
