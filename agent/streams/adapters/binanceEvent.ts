import { binanceStream, type BinanceStream } from './binanceStream.ts';
import { shorten, type JsonObject, type JsonValue } from './jsonValue.ts';
import type { Tick } from './tick.ts';

/** What an event says in every stream that has a price. */
interface Reading {
  kind: string;
  price: number;
  seq?: JsonValue | undefined;
}

const ROLLING_TICKER = /^(\d+[hd])Ticker$/;

/**
 * An event of a market stream as a tick; its other fields are kept.
 * @param from name of the stream, when the frame tells it
 * @param symbolOf what the person calls this subscription
 * @throws Error for an event without pair or price
 */
export function binanceTick(
  event: JsonObject,
  from: string | undefined,
  symbolOf: (stream: BinanceStream) => string,
): Tick {
  const pair = event['s'];
  const reading = readEvent(event);
  if (typeof pair !== 'string' || reading === undefined || !Number.isFinite(reading.price)) {
    throw new Error(
      `No pair or price in it: only trades, tickers, klines and average prices become ticks; got ${shorten(JSON.stringify(event))}`,
    );
  }
  const kind =
    from?.endsWith(`@${reading.kind}`) === false ? binanceStream(from).kind : reading.kind;
  const tick: Tick = { symbol: symbolOf({ pair, kind }), price: reading.price };
  if (Number.isSafeInteger(reading.seq)) tick.seq = Number(reading.seq);
  const time = event['E'];
  if (typeof time === 'number') tick.ts = time;
  // The fields of Binance are single letters. To spread them would take five times as long.
  return Object.assign(event, tick);
}

function readEvent(event: JsonObject): Reading | undefined {
  const { e: type } = event;
  if (type === undefined) return readBookTicker(event);
  if (typeof type !== 'string') return undefined;
  switch (type) {
    case 'aggTrade':
      return { kind: 'aggTrade', price: numberOf(event['p']), seq: event['a'] };
    case 'trade':
      return { kind: 'trade', price: numberOf(event['p']), seq: event['t'] };
    case '24hrTicker':
      return { kind: 'ticker', price: numberOf(event['c']) };
    case '24hrMiniTicker':
      return { kind: 'miniTicker', price: numberOf(event['c']) };
    case 'avgPrice':
      return { kind: 'avgPrice', price: numberOf(event['w']) };
    case 'kline':
      return readKline(event['k']);
    default:
      return readRollingTicker(event, type);
  }
}

function readKline(kline: JsonValue | undefined): Reading | undefined {
  if (typeof kline !== 'object' || kline === null || Array.isArray(kline)) return undefined;
  const interval = kline['i'];
  if (typeof interval !== 'string') return undefined;
  return { kind: `kline_${interval}`, price: numberOf(kline['c']) };
}

/** The one event without a type and a time. It has no last price: the middle of both sides. */
function readBookTicker(event: JsonObject): Reading | undefined {
  if (event['u'] === undefined) return undefined;
  return { kind: 'bookTicker', price: (numberOf(event['b']) + numberOf(event['a'])) / 2 };
}

function readRollingTicker(event: JsonObject, type: string): Reading | undefined {
  const window = ROLLING_TICKER.exec(type)?.[1];
  return window === undefined
    ? undefined
    : { kind: `ticker_${window}`, price: numberOf(event['c']) };
}

/** Binance writes prices as text. An empty one is none, and not 0. */
function numberOf(value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
}
