/** A quote as an exchange knows it: prices in rupees, times in seconds. */
export interface KiteQuote {
  token: number;
  lastPrice: number;
  lastQuantity: number;
  averagePrice: number;
  volume: number;
  buyQuantity: number;
  sellQuantity: number;
  open: number;
  high: number;
  low: number;
  close: number;
  change: number;
  lastTradeTime: number;
  oi: number;
  oiDayHigh: number;
  oiDayLow: number;
  exchangeTime: number;
  /** Five bids, then five offers. */
  depth: { quantity: number; price: number; orders: number }[];
}

type Field = readonly [value: number, bytes: 2 | 4];

/** Parts of a rupee that prices are counted in, by the last byte of the token. */
const PARTS: Record<number, number> = { 3: 1e7, 6: 1e4 };
const INDEX_SEGMENT = 9;

/**
 * One packet, written field by field as the table in the venue's document has them. It shares
 * nothing with the code that reads packets.
 */
export function encodePacket(quote: KiteQuote, mode: 'ltp' | 'quote' | 'full'): Buffer {
  const segment = quote.token % 256;
  const price = (rupees: number): Field => [Math.round(rupees * (PARTS[segment] ?? 100)), 4];
  const whole = (value: number): Field => [value, 4];
  const head = [whole(quote.token), price(quote.lastPrice)];
  if (mode === 'ltp') return write(head);
  if (segment === INDEX_SEGMENT) {
    const { high, low, open, close, change } = quote;
    const index = [...head, ...[high, low, open, close, change].map(price)];
    return write(mode === 'quote' ? index : [...index, whole(quote.exchangeTime)]);
  }
  const body = [
    ...head,
    whole(quote.lastQuantity),
    price(quote.averagePrice),
    ...[quote.volume, quote.buyQuantity, quote.sellQuantity].map(whole),
    ...[quote.open, quote.high, quote.low, quote.close].map(price),
  ];
  if (mode === 'quote') return write(body);
  const { lastTradeTime, oi, oiDayHigh, oiDayLow, exchangeTime } = quote;
  const depth = quote.depth.flatMap((entry): Field[] => [
    ...[whole(entry.quantity), price(entry.price)],
    [entry.orders, 2],
    [0, 2],
  ]);
  return write([
    ...body,
    ...[lastTradeTime, oi, oiDayHigh, oiDayLow, exchangeTime].map(whole),
    ...depth,
  ]);
}

/** A binary frame: how many packets, then each with its length before it. */
export function encodeFrame(packets: readonly Buffer[]): Buffer {
  const parts = packets.flatMap((packet) => [write([[packet.length, 2]]), packet]);
  return Buffer.concat([write([[packets.length, 2]]), ...parts]);
}

/** The heartbeat of the ticker. */
export const HEARTBEAT = Buffer.from([0]);

function write(fields: readonly Field[]): Buffer {
  const bytes = fields.flatMap(([value, width]) =>
    Array.from({ length: width }, (_, index) => (value >> (8 * (width - 1 - index))) & 0xff),
  );
  return Buffer.from(bytes);
}
