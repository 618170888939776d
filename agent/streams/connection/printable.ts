const SHOWN_CHARACTERS = 200;

/**
 * What a server or an adapter said, fit for a line of a terminal: no control characters, which could
 * move the cursor or hide text, and not endless.
 */
export function printable(text: string): string {
  // Cut first: a frame may be megabytes, and an error may quote all of it.
  const cut = text.slice(0, SHOWN_CHARACTERS);
  const shown = cut.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return text.length > SHOWN_CHARACTERS ? `${shown}…` : shown;
}
