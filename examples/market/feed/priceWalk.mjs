// Prices that are the same in each run: every symbol walks by a generator of its own.

/** @typedef {{ symbol: string, price: number, seq: number, ts: number, volume: number }} Tick */

export const SYMBOLS = [
  'NSE:RELIANCE25JULFUT',
  'NSE:TCS25JULFUT',
  'NSE:INFY25JULFUT',
  'NSE:HDFCBANK25JULFUT',
  'NSE:SBIN25JULFUT',
  'NSE:ITC25JULFUT',
  'NSE:LT25JULFUT',
  'NSE:NIFTY25JULFUT',
];

/**
 * The ticks of all symbols, one symbol after the other. Numbers grow by one per symbol.
 * @param {number} seed the same seed gives the same prices, volumes and numbers
 * @returns {(ts: number) => Tick} the next tick; `ts` is its time in ms since the epoch
 */
export function priceWalk(seed) {
  const walks = SYMBOLS.map((symbol, index) => {
    const random = mulberry32(seed + index * 7919);
    return { symbol, random, seq: 0, paise: Math.round(50_000 + random() * 300_000) };
  });
  let turn = 0;
  return (ts) => {
    const walk = walks[turn % walks.length];
    turn += 1;
    walk.seq += 1;
    walk.paise = Math.max(100, walk.paise + Math.round((walk.random() - 0.5) * 200));
    const volume = 1 + Math.floor(walk.random() * 500);
    return { symbol: walk.symbol, price: walk.paise / 100, seq: walk.seq, ts, volume };
  };
}

/** A small generator of good quality. Source: Tommy Ettinger, public domain. */
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
