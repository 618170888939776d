import type { StreamLimits } from '../../config/schema.ts';
import type { Frame, ParsedFrame, StreamAdapter } from './adapter.ts';
import { isJsonObject, parseJson, shorten } from './jsonValue.ts';
import { KITE_MODES, kiteInstrument } from './kiteInstrument.ts';
import { parseKitePackets } from './kitePackets.ts';
import type { Tick } from './tick.ts';

/** Published limits of the ticker; docs/adapters.md names the source of each. */
export const KITE_LIMITS: StreamLimits = {
  // Per API key; one key is assumed for all agents of a Redis.
  connections: 3,
  symbolsPerConnection: 3_000,
  symbolsPerFrame: 500,
};

/** The ticker of Kite Connect 3. */
export function kiteAdapter(): StreamAdapter {
  // Nothing is forgotten: while a connection replaces another, the old one unsubscribes what the
  // new one still gets.
  const names = new Map<number, string>();
  return {
    limits: KITE_LIMITS,
    subscribe(symbols) {
      for (const symbol of symbols) names.set(kiteInstrument(symbol).token, symbol);
      return subscribeFrames(symbols);
    },
    unsubscribe: (symbols) => request('unsubscribe', symbols.map(tokenOf)),
    parse: (frame) =>
      typeof frame === 'string'
        ? parseText(frame)
        : parseKitePackets(frame, (token) => names.get(token) ?? String(token)),
    normalise: (symbol) => String(tokenOf(symbol)),
  };
}

function tokenOf(symbol: string): number {
  return kiteInstrument(symbol).token;
}

function request(action: string, tokens: number[]): Frame[] {
  return tokens.length === 0 ? [] : [JSON.stringify({ a: action, v: tokens })];
}

/** What is subscribed comes as a quote until its mode is set. */
function subscribeFrames(symbols: readonly string[]): Frame[] {
  const instruments = symbols.map(kiteInstrument);
  const frames = request(
    'subscribe',
    instruments.map(({ token }) => token),
  );
  for (const mode of KITE_MODES) {
    const tokens = instruments.filter((one) => one.mode === mode).map(({ token }) => token);
    if (tokens.length > 0) frames.push(JSON.stringify({ a: 'mode', v: [mode, tokens] }));
  }
  return frames;
}

/** Order updates, messages of the broker and errors. Only errors are for this stream. */
function parseText(text: string): Tick[] | ParsedFrame {
  const value = parseJson(text);
  if (!isJsonObject(value) || typeof value['type'] !== 'string') {
    throw new Error(`Not a message of Kite: ${shorten(text)}`);
  }
  if (value['type'] !== 'error') return [];
  const { data } = value;
  return { ticks: [], refused: typeof data === 'string' ? data : JSON.stringify(data) };
}
