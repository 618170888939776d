import { InterlockError } from '../common/errors.ts';
import type { ConfigProblem } from '../config/configProblem.ts';
import { problemLines } from '../config/problemsOf.ts';

/** A payload that does not fit the schema of its type: each place, what stands there, what would fit. */
export function payloadInvalid(
  type: string,
  file: string,
  problems: ConfigProblem[],
): InterlockError {
  return new InterlockError({
    code: 'payload_invalid',
    message: `The payload does not fit the schema of job type ${type}:\n${problemLines(problems)}.`,
    remedy: `Correct the payload, or its schema in ${file}.`,
    details: { type, schema: file, problems },
  });
}
