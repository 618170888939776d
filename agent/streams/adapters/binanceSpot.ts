import type { Clock } from '../../common/clock.ts';
import type { StreamLimits } from '../../config/schema.ts';
import type { Frame, Gap, ParsedFrame, StreamAdapter } from './adapter.ts';
import { binanceTick } from './binanceEvent.ts';
import {
  binanceStream,
  normaliseBinance,
  streamName,
  type BinanceStream,
} from './binanceStream.ts';
import { BinanceTrades, restUrlOf, type BinanceTrade, type Fetch } from './binanceTrades.ts';
import { isJsonObject, parseJson, shorten, type JsonObject } from './jsonValue.ts';
import type { Tick } from './tick.ts';

/** Published limits of the spot market streams; docs/adapters.md names the source of each. */
export const BINANCE_SPOT_LIMITS: StreamLimits = {
  connects: [{ count: 300, per: 300_000 }],
  // Published: 5 a second, with the pongs to its pings and our own pings among them. Others have
  // measured that a request each 250 ms is closed with 1008, and that one each 500 ms is not.
  messages: [{ count: 1, per: 500 }],
  symbolsPerConnection: 1_024,
  symbolsPerFrame: 200,
  maxLifetime: 24 * 60 * 60_000,
};

export interface BinanceSpotOptions {
  /** Of the stream: tells where missing trades are asked for. */
  url: string;
  clock: Clock;
  fetch: Fetch;
  /** Instead of the one that belongs to `url`. */
  restUrl?: string;
}

/** Market streams of Binance spot, over `/ws` (raw) or `/stream` (combined). */
export function binanceSpotAdapter(options: BinanceSpotOptions): StreamAdapter {
  const { url, clock, fetch, restUrl = restUrlOf(url) } = options;
  const names = new SymbolNames();
  const rest = restUrl === undefined ? undefined : new BinanceTrades(restUrl, clock, fetch);
  let lastRequestId = 0;
  const request = (method: string, symbols: readonly string[]): Frame[] => {
    if (symbols.length === 0) return [];
    lastRequestId += 1;
    const params = symbols.map((symbol) => streamName(binanceStream(symbol)));
    return [JSON.stringify({ method, params, id: lastRequestId })];
  };
  return {
    limits: BINANCE_SPOT_LIMITS,
    subscribe(symbols) {
      for (const symbol of symbols) names.remember(symbol);
      return request('SUBSCRIBE', symbols);
    },
    unsubscribe: (symbols) => request('UNSUBSCRIBE', symbols),
    parse: (frame) => parseFrame(textOf(frame), names),
    normalise: normaliseBinance,
    ...(rest === undefined ? {} : { resync: (gap: Gap) => resync(gap, rest) }),
  };
}

/**
 * How the person writes what is subscribed. Nothing is forgotten: while a connection replaces
 * another, the old one unsubscribes what the new one still gets.
 */
class SymbolNames {
  private readonly names = new Map<string, string>();

  remember(symbol: string): void {
    this.names.set(keyOf(binanceStream(symbol)), symbol);
  }

  /** Of what came unasked, by the query of the URL: the name that it would have. */
  readonly of = (stream: BinanceStream): string => {
    const key = keyOf(stream);
    return this.names.get(key) ?? (stream.kind === 'aggTrade' ? stream.pair : key);
  };
}

function keyOf({ pair, kind }: BinanceStream): string {
  return `${pair}@${kind}`;
}

function textOf(frame: Frame): string {
  return typeof frame === 'string' ? frame : Buffer.from(frame).toString('utf8');
}

function parseFrame(text: string, names: SymbolNames): Tick[] | ParsedFrame {
  const value = parseJson(text);
  if (!isJsonObject(value)) {
    if (!Array.isArray(value)) throw new Error(`Not an event: ${shorten(text)}`);
    return value.filter(isJsonObject).map((event) => binanceTick(event, undefined, names.of));
  }
  const talk = parseTalk(value);
  if (talk !== undefined) return talk;
  const { stream, data } = value;
  if (typeof stream !== 'string') return [binanceTick(value, undefined, names.of)];
  if (Array.isArray(data)) {
    return data.filter(isJsonObject).map((event) => binanceTick(event, undefined, names.of));
  }
  if (!isJsonObject(data)) throw new Error(`Not an event: ${shorten(text)}`);
  return parseTalk(data) ?? [binanceTick(data, stream, names.of)];
}

/** Answers to requests, errors, and the news that the server is about to end. */
function parseTalk(value: JsonObject): ParsedFrame | undefined {
  const event = isJsonObject(value['event']) ? value['event'] : value;
  if (event['e'] === 'serverShutdown') {
    return { ticks: [], rotate: 'Binance announced a shutdown of this server' };
  }
  if ('result' in value && value['e'] === undefined) return { ticks: [] };
  const error = isJsonObject(value['error']) ? value['error'] : value;
  const { code, msg } = error;
  if (typeof code !== 'number' || typeof msg !== 'string') return undefined;
  return { ticks: [], refused: `${msg} (code ${code})` };
}

/** @throws Error for what can not be fetched, which is told */
async function resync(gap: Gap, rest: BinanceTrades): Promise<ParsedFrame> {
  const { pair, kind } = binanceStream(gap.symbol);
  if (kind !== 'aggTrade') {
    throw new Error(`${gap.symbol}: only missing aggregate trades can be asked for without a key`);
  }
  const found = await rest.inGap(pair, gap);
  const ticks = found.map((trade) => toTick(trade, pair, gap.symbol));
  if (ticks.length === gap.missing) return { ticks };
  const refused = `Binance gave ${ticks.length} of ${gap.missing} missing trades of ${gap.symbol}`;
  return { ticks, refused };
}

function toTick(trade: BinanceTrade, pair: string, symbol: string): Tick {
  return {
    ...trade,
    e: 'aggTrade',
    s: pair,
    symbol,
    price: Number(trade.p),
    seq: trade.a,
    ts: trade.T,
  };
}
