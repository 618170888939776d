import { findNodeAtLocation, parseTree, type Node, type ParseError } from 'jsonc-parser';
import { PayloadSchema, WHOLE_PAYLOAD } from '../config/payloadSchema.ts';
import type { Config } from '../config/schema.ts';
import type { PayloadProblem } from '../protocol/api.ts';

/** What of the text of a payload does not fit the schema of its type, and where an editor marks it. */
export function payloadTextProblems(
  { jobs }: Pick<Config, 'jobs'>,
  type: string,
  text: string,
): PayloadProblem[] {
  const file = Object.hasOwn(jobs, type) ? jobs[type]?.schema : undefined;
  if (file === undefined) return [];
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true });
  // What is no JSON is marked by the editor itself.
  if (root === undefined || errors.length > 0) return [];
  return new PayloadSchema(file).problems(JSON.parse(text)).map(({ path, expected }) => ({
    ...placeOf(root, path === WHOLE_PAYLOAD ? [] : path.split('.')),
    message: `${path}: ${expected}`,
  }));
}

/** The value at a path; of one that is missing, the brace of what it is missing from. */
function placeOf(here: Node, [step, ...rest]: string[]): Pick<Node, 'offset' | 'length'> {
  if (step === undefined) return { offset: here.offset, length: here.length };
  const next = findNodeAtLocation(here, [here.type === 'array' ? Number(step) : step]);
  return next === undefined ? { offset: here.offset, length: 1 } : placeOf(next, rest);
}
