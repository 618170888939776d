/** What one symbol of the config subscribes to. */
export interface BinanceStream {
  /** In capitals, as the events of Binance name it. */
  pair: string;
  /** `aggTrade`, `bookTicker`, `kline_1m`, …: what stands behind the "@". */
  kind: string;
}

/** Its ids grow by one per pair, and what is missing can be asked for without a key. */
const DEFAULT_KIND = 'aggTrade';

/** Names are case-sensitive at Binance; people write them as they like. */
const KINDS = ['aggTrade', 'trade', 'ticker', 'miniTicker', 'bookTicker', 'avgPrice'];

/** `BTCUSDT` is its aggregate trades; another stream is named: `BTCUSDT@bookTicker`. */
export function binanceStream(symbol: string): BinanceStream {
  const [pair = '', ...rest] = symbol.trim().split('@');
  const kind = rest.join('@');
  const known = KINDS.find((name) => name.toLowerCase() === kind.toLowerCase());
  return { pair: pair.toUpperCase(), kind: known ?? (kind === '' ? DEFAULT_KIND : kind) };
}

/** As it is subscribed: `btcusdt@aggTrade`. */
export function streamName({ pair, kind }: BinanceStream): string {
  return `${pair.toLowerCase()}@${kind}`;
}

/** What all names of one subscription have in common: `btcusdt`, or `btcusdt@bookTicker`. */
export function normaliseBinance(symbol: string): string {
  const stream = binanceStream(symbol);
  return stream.kind === DEFAULT_KIND ? stream.pair.toLowerCase() : streamName(stream);
}
