import type * as z from 'zod';
import type { ConfigProblem } from './configProblem.ts';

/**
 * What a schema found wrong, each with where it stands and what stands there.
 * @param raw what was read
 * @param root what the whole of it is called
 * @param unknown what is said of a name that has no meaning
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  raw: unknown,
  root: string,
  unknown: string,
): ConfigProblem[] {
  return issues.flatMap((issue) => {
    const at = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...at, key].join('.'),
        value: valueAt(raw, [...at, key]),
        expected: unknown,
      }));
    }
    // The name of an entry is wrong: what was expected stands one level deeper.
    const cause = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
    if (cause !== undefined) {
      return [{ path: at.join('.'), value: valueAt(raw, at), expected: cause.message }];
    }
    return [{ path: at.join('.') || root, value: valueAt(raw, at), expected: expectedBy(issue) }];
  });
}

/** `  jobs.sync.queue = 5: expected a text`: one line for each. */
export function problemLines(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ path, value, expected }) => {
      const shown = value === undefined ? 'missing' : JSON.stringify(value);
      return `  ${path} = ${shown}: ${expected}`;
    })
    .join('\n');
}

/** What stands at a path of names and indexes. */
export function valueAt(raw: unknown, at: readonly string[]): unknown {
  let value = raw;
  for (const step of at) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === step)?.[1];
  }
  return value;
}

/** Of several shapes that would do, each says what it misses; zod itself says no more than "invalid". */
function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue.message;
  const each = issue.errors.flatMap(([first]) =>
    first === undefined ? [] : [[...first.path, expectedBy(first)].join(': ')],
  );
  return each.length === 0 ? issue.message : [...new Set(each)].join(', or ');
}
