const MONTHS = 'JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC';
const STRIKE_AND_SIDE = '\\d+(?:\\.\\d+)?(?:CE|PE)';
/** `25JUL`, alone, with `FUT`, or with strike and side. */
const MONTHLY = `\\d{2}(?:${MONTHS})(?:FUT|${STRIKE_AND_SIDE})?`;
/** `25717`: year, month (O, N, D for the last three) and day. Alone, five digits may be a name. */
const WEEKLY = `(?<!\\d)\\d{2}[1-9OND](?:0[1-9]|[12]\\d|3[01])(?:FUT|${STRIKE_AND_SIDE})`;

/** Not after a "-": `BTC-25JUL` is a future beside `BTC-PERP`, and what it is of is not told. */
const CONTRACT = new RegExp(`(?<!-)(?:${MONTHLY}|${WEEKLY})$`);

/** Of the cash market of India. A list, because `-UP` or `-BT` are parts of a name elsewhere. */
const SERIES = /-(?:EQ|BE|BZ|SM|ST)$/;

/**
 * The name of what is traded: `NSE:RELIANCE25JULFUT` becomes `reliance`. Two symbols with one name
 * count once. The rules, in order:
 * 1. blanks around it and the exchange before the last ":" go;
 * 2. a contract at the end goes: `25JUL`, `25JULFUT`, `25JUL2500CE`, the weekly `2571724500PE`;
 * 3. a series at the end goes: `-EQ`, `-BE`, `-BZ`, `-SM`, `-ST`;
 * 4. what is left is in lower case.
 *
 * All else stays as it is, so that `BTCUSDT`, `BTC/USDT` and `BTC-PERP` are kept apart. A symbol that is
 * nothing but a contract keeps it, and one without a name is the text itself: the answer is empty
 * for no text but the empty one.
 */
export function normaliseSymbol(symbol: string): string {
  const upper = symbol.trim().toUpperCase();
  const traded = upper.slice(upper.lastIndexOf(':') + 1).trim();
  const name = traded.replace(CONTRACT, '').replace(SERIES, '').trim();
  return (name || traded || symbol).toLowerCase();
}
