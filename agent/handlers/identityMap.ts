const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGIT_BITS = 5;
const GOES_ON = 1 << DIGIT_BITS;

/** Where a statement or a name can begin. */
const WORD = /[\w$]+|[^\s\w$]/g;

/**
 * A source map as a comment, for code that has every character at the place where its file has it.
 * @param path of that file
 * @see https://tc39.es/ecma426/
 */
export function identityMap(path: string, code: string): string {
  let lineBefore = 0;
  let columnBefore = 0;
  const mappings = code.split('\n').map((text, line) => {
    let generated = 0;
    return [...text.matchAll(WORD)]
      .map(({ index }) => {
        const deltas = [index - generated, 0, line - lineBefore, index - columnBefore];
        [generated, lineBefore, columnBefore] = [index, line, index];
        return deltas.map(toVlq).join('');
      })
      .join();
  });
  const map = { version: 3, sources: [path], names: [], mappings: mappings.join(';') };
  const encoded = Buffer.from(JSON.stringify(map)).toString('base64');
  return `\n//# sourceMappingURL=data:application/json;base64,${encoded}`;
}

/** A number as base 64 digits, the lowest first; the lowest bit is the sign. */
function toVlq(value: number): string {
  let rest = value < 0 ? -value * 2 + 1 : value * 2;
  let text = '';
  do {
    const digit = rest % GOES_ON;
    rest = Math.floor(rest / GOES_ON);
    text += DIGITS.charAt(rest > 0 ? digit + GOES_ON : digit);
  } while (rest > 0);
  return text;
}
