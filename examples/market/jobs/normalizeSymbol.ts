const MONTHS = 'JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC';

/** What follows the name: `25JULFUT`, `25JUL2500CE`, or a weekly option such as `2572425000PE`. */
const CONTRACT = new RegExp(
  `(?:\\d{2}(?:${MONTHS})(?:FUT|\\d+(?:\\.\\d+)?(?:CE|PE))|\\d{2}[1-9OND]\\d{2}\\d+(?:CE|PE))$`,
);

/** Of the cash market: `-EQ`, `-BE`. */
const SERIES = /-[A-Z]{2}$/;

/**
 * The name of what is traded, without exchange, contract and series:
 * `NSE:RELIANCE25JULFUT` becomes `reliance`.
 */
export function normalizeSymbol(symbol: string): string {
  const upper = symbol.trim().toUpperCase();
  const traded = upper.slice(upper.lastIndexOf(':') + 1);
  const name = traded.replace(CONTRACT, '').replace(SERIES, '');
  // A symbol that is nothing but a contract keeps it: an empty name would mix up different ones.
  return (name === '' ? traded : name).toLowerCase();
}
