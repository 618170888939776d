import type { Tick } from './tick.ts';

/** The last byte of a token is its segment. */
const SEGMENT_MASK = 0xff;
const NSE_CURRENCY = 3;
const BSE_CURRENCY = 6;
const INDICES = 9;

const FIRST_BID_OFFSET = 64;
const FIRST_OFFER_OFFSET = 124;
const DEPTH_ENTRY_BYTES = 12;

/**
 * The ticks of a binary frame: `[count][length][packet][length][packet]…`, big-endian.
 * @param symbolOf what the person calls an instrument
 * @throws Error when the frame ends too early or holds a packet of an unknown length
 */
export function parseKitePackets(frame: Uint8Array, symbolOf: (token: number) => string): Tick[] {
  // The heartbeat: one byte.
  if (frame.byteLength < 2) return [];
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const count = view.getUint16(0);
  const ticks: Tick[] = [];
  let at = 2;
  for (let packet = 0; packet < count; packet += 1) {
    const length = at + 2 <= frame.byteLength ? view.getUint16(at) : Infinity;
    if (at + 2 + length > frame.byteLength) {
      throw new Error(
        `The frame of ${frame.byteLength} bytes ends within packet ${packet + 1} of ${count}`,
      );
    }
    ticks.push(parsePacket(view, at + 2, length, symbolOf));
    at += 2 + length;
  }
  return ticks;
}

/** One object literal per kind of packet: spread together they take several times as long. */
function parsePacket(
  view: DataView,
  at: number,
  length: number,
  symbolOf: (token: number) => string,
): Tick {
  if (length < 4) throw unknownPacket(length);
  const token = view.getUint32(at);
  const symbol = symbolOf(token);
  switch (length) {
    case 8:
      return ltpTick(view, at, token, symbol);
    case 28:
    case 32:
      return indexTick(view, at, token, symbol, length === 32);
    case 44:
      return quoteTick(view, at, token, symbol);
    case 184:
      return fullTick(view, at, token, symbol);
    default:
      throw unknownPacket(length);
  }
}

function ltpTick(view: DataView, at: number, token: number, symbol: string): Tick {
  return {
    symbol,
    price: view.getInt32(at + 4) / divisorOf(token),
    instrument_token: token,
    mode: 'ltp',
    tradable: isTradable(token),
  };
}

function indexTick(
  view: DataView,
  at: number,
  token: number,
  symbol: string,
  isFull: boolean,
): Tick {
  const divisor = divisorOf(token);
  const tick: Tick = {
    symbol,
    price: view.getInt32(at + 4) / divisor,
    instrument_token: token,
    mode: isFull ? 'full' : 'quote',
    tradable: isTradable(token),
    ohlc: {
      open: view.getInt32(at + 16) / divisor,
      high: view.getInt32(at + 8) / divisor,
      low: view.getInt32(at + 12) / divisor,
      close: view.getInt32(at + 20) / divisor,
    },
    change: view.getInt32(at + 24) / divisor,
  };
  if (isFull) setTime(tick, view.getUint32(at + 28));
  return tick;
}

function quoteTick(view: DataView, at: number, token: number, symbol: string): Tick {
  const divisor = divisorOf(token);
  return {
    symbol,
    price: view.getInt32(at + 4) / divisor,
    instrument_token: token,
    mode: 'quote',
    tradable: isTradable(token),
    last_traded_quantity: view.getUint32(at + 8),
    average_traded_price: view.getInt32(at + 12) / divisor,
    volume_traded: view.getUint32(at + 16),
    total_buy_quantity: view.getUint32(at + 20),
    total_sell_quantity: view.getUint32(at + 24),
    ohlc: {
      open: view.getInt32(at + 28) / divisor,
      high: view.getInt32(at + 32) / divisor,
      low: view.getInt32(at + 36) / divisor,
      close: view.getInt32(at + 40) / divisor,
    },
  };
}

/** A quote, and what comes after it in the packet. */
function fullTick(view: DataView, at: number, token: number, symbol: string): Tick {
  const tick = quoteTick(view, at, token, symbol);
  const divisor = divisorOf(token);
  tick['mode'] = 'full';
  tick['last_trade_time'] = view.getUint32(at + 44) * 1_000;
  tick['oi'] = view.getUint32(at + 48);
  tick['oi_day_high'] = view.getUint32(at + 52);
  tick['oi_day_low'] = view.getUint32(at + 56);
  setTime(tick, view.getUint32(at + 60));
  tick['depth'] = {
    buy: depthFrom(view, at + FIRST_BID_OFFSET, divisor),
    sell: depthFrom(view, at + FIRST_OFFER_OFFSET, divisor),
  };
  return tick;
}

function depthFrom(view: DataView, at: number, divisor: number) {
  return [0, 1, 2, 3, 4].map((level) => {
    const entry = at + level * DEPTH_ENTRY_BYTES;
    return {
      quantity: view.getUint32(entry),
      price: view.getInt32(entry + 4) / divisor,
      orders: view.getUint16(entry + 8),
    };
  });
}

/** Kite tells seconds; 0 means that it does not know. */
function setTime(tick: Tick, seconds: number): void {
  if (seconds !== 0) tick.ts = seconds * 1_000;
}

function isTradable(token: number): boolean {
  return (token & SEGMENT_MASK) !== INDICES;
}

/** Rupees come in paise; currencies have more digits. */
function divisorOf(token: number): number {
  const segment = token & SEGMENT_MASK;
  if (segment === NSE_CURRENCY) return 10_000_000;
  return segment === BSE_CURRENCY ? 10_000 : 100;
}

function unknownPacket(length: number): Error {
  return new Error(`A packet of ${length} bytes is not known`);
}
