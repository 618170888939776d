import { InterlockError } from '../../common/errors.ts';

export const KITE_MODES = ['ltp', 'quote', 'full'] as const;
export type KiteMode = (typeof KITE_MODES)[number];

export interface KiteInstrument {
  /** What Kite knows it by. */
  token: number;
  mode: KiteMode;
}

/** Only this mode tells the time of the exchange, and so the lag. */
const DEFAULT_MODE: KiteMode = 'full';

const WRITTEN = /^(?:.+=)?(\d{1,10})(?:@(ltp|quote|full))?$/;
const MAX_TOKEN = 0xff_ff_ff_ff;

/**
 * `NSE:INFY=408065`, or `408065`; with `@ltp` or `@quote` for less than everything.
 * @throws InterlockError `bad_params` that says how an instrument is written
 */
export function kiteInstrument(symbol: string): KiteInstrument {
  const [, digits, written] = WRITTEN.exec(symbol.trim()) ?? [];
  const token = Number(digits);
  if (digits === undefined || token < 1 || token > MAX_TOKEN) {
    throw new InterlockError({
      code: 'bad_params',
      message: `"${symbol}" has no instrument token. Write it as "NSE:INFY=408065", with the token from Kite's list of instruments`,
      remedy: 'Correct the symbol.',
      details: { symbol },
    });
  }
  return { token, mode: KITE_MODES.find((mode) => mode === written) ?? DEFAULT_MODE };
}
