import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isTypeScript } from './moduleFormat.ts';
import { TypeStripper } from './stripTypes.ts';

/** `path:line` or `path:line:column`, alone on a line or in brackets, as stacks have it. */
const PLACE =
  /(?:^|\(|\s)((?:file:\/\/)?\/[^\s():]+|(?:file:\/\/\/)?[A-Za-z]:[\\/][^\s():]+):(\d+)(?::(\d+))?\)?\s*$/;

/**
 * Where in the user's code a module could not be loaded: `path:line:column`, as well as it is known.
 * @param loaded the user's files that were loaded, last one last: Node does not say in which of them
 *   the syntax error is
 */
export function placeOfLoadFailure(
  thrown: unknown,
  loaded: readonly string[],
  programFolder: string,
): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const place = placeInStack(thrown.stack ?? '', programFolder);
  if (place !== undefined || thrown.name !== 'SyntaxError') return place;
  const parser = new TypeStripper(programFolder);
  for (const path of [...loaded].reverse()) {
    const found = syntaxErrorPlace(parser, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function placeInStack(stack: string, programFolder: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, file, row, column] = PLACE.exec(line) ?? [];
    if (file === undefined || row === undefined) continue;
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    if (path.startsWith(programFolder)) continue;
    return column === undefined ? `${path}:${row}` : `${path}:${row}:${column}`;
  }
  return undefined;
}

/** The parser of TypeScript reads JavaScript as well, and tells the place. */
function syntaxErrorPlace(parser: TypeStripper, path: string): string | undefined {
  if (isTypeScript(path) || !/\.[cm]?js$/.test(path)) return undefined;
  try {
    parser.strip(path, readFileSync(path, 'utf8'));
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? placeInStack(error.stack ?? '', '\0') : undefined;
  }
}
