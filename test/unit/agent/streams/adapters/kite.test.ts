import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { StreamAdapter } from '../../../../../agent/streams/adapters/adapter.ts';
import { kiteAdapter } from '../../../../../agent/streams/adapters/kite.ts';
import { tick, type Tick } from '../../../../../agent/streams/adapters/tick.ts';
import {
  encodeFrame,
  encodePacket,
  HEARTBEAT,
  type KiteQuote,
} from '../../../../venues/kiteEncoder.ts';
import { kiteQuote } from '../../../../venues/kiteServer.ts';

const INFY = 408_065;
/** The last byte of a token is the segment: 3 = NSE currency, 6 = BSE currency, 9 = index. */
const USDINR = 256 * 1_000 + 3;
const BCD = 256 * 1_000 + 6;
const NIFTY = 256_265;

function ticksOf(adapter: StreamAdapter, frame: Buffer): Tick[] {
  const parsed = adapter.parse(frame);
  assert.ok(Array.isArray(parsed), 'ticks, and nothing else');
  for (const one of parsed) assert.deepEqual(tick.parse(one), one);
  return parsed;
}

describe('the Kite adapter', () => {
  it('subscribes by token and sets the mode of each instrument', () => {
    const adapter = kiteAdapter();
    assert.deepEqual(adapter.subscribe(['NSE:INFY=408065', '884737', 'X=5@ltp', '7@quote']), [
      '{"a":"subscribe","v":[408065,884737,5,7]}',
      '{"a":"mode","v":["ltp",[5]]}',
      '{"a":"mode","v":["quote",[7]]}',
      '{"a":"mode","v":["full",[408065,884737]]}',
    ]);
    assert.deepEqual(adapter.unsubscribe(['NSE:INFY=408065', '5']), [
      '{"a":"unsubscribe","v":[408065,5]}',
    ]);
    assert.deepEqual([adapter.subscribe([]), adapter.unsubscribe([])], [[], []]);
  });

  it('has one name for one instrument, whatever it is called', () => {
    const normalise = (symbol: string) => kiteAdapter().normalise?.(symbol);
    for (const symbol of ['NSE:INFY=408065', 'infy=408065@ltp', '408065', ' 408065@full ']) {
      assert.equal(normalise(symbol), '408065');
    }
  });

  it('says how an instrument is written when it has no token', () => {
    const adapter = kiteAdapter();
    for (const symbol of ['NSE:INFY', '', '=', 'INFY=', '0', '4294967296', '12@deep', '1.5']) {
      assert.throws(
        () => adapter.subscribe([symbol]),
        /has no instrument token.*"NSE:INFY=408065"/,
      );
      assert.throws(() => adapter.normalise?.(symbol), /has no instrument token/);
    }
  });

  it('reads a full quote: price, time of the exchange, depth', () => {
    const adapter = kiteAdapter();
    adapter.subscribe(['NSE:INFY=408065']);
    const quote = kiteQuote(INFY, 1_234);
    const [found] = ticksOf(adapter, encodeFrame([encodePacket(quote, 'full')]));
    assert.deepEqual(found, {
      ...{ symbol: 'NSE:INFY=408065', price: 112.34, ts: quote.exchangeTime * 1_000 },
      ...{ instrument_token: INFY, mode: 'full', tradable: true },
      ...{ last_traded_quantity: 7, average_traded_price: 100.25, volume_traded: 12_345 },
      ...{ total_buy_quantity: 500, total_sell_quantity: 600 },
      ohlc: { open: 99.5, high: 101.75, low: 98.25, close: 99.95 },
      last_trade_time: quote.lastTradeTime * 1_000,
      ...{ oi: 11, oi_day_high: 13, oi_day_low: 9 },
      depth: { buy: quote.depth.slice(0, 5), sell: quote.depth.slice(5) },
    });
  });

  it('reads the smaller packets, several in one frame', () => {
    const quote = kiteQuote(INFY, 0);
    const index = kiteQuote(NIFTY, 0);
    const frame = encodeFrame([
      encodePacket(quote, 'ltp'),
      encodePacket(quote, 'quote'),
      encodePacket(index, 'ltp'),
      encodePacket(index, 'quote'),
      encodePacket(index, 'full'),
    ]);
    assert.deepEqual(
      [8, 44, 8, 28, 32].reduce((sum, length) => sum + 2 + length, 2),
      frame.length,
      'the lengths that the venue publishes',
    );
    const found = ticksOf(kiteAdapter(), frame);
    assert.deepEqual(
      found.map(({ symbol, mode, tradable, price }) => [symbol, mode, tradable, price]),
      [
        [String(INFY), 'ltp', true, 100],
        [String(INFY), 'quote', true, 100],
        [String(NIFTY), 'ltp', false, 100],
        [String(NIFTY), 'quote', false, 100],
        [String(NIFTY), 'full', false, 100],
      ],
    );
    assert.deepEqual(found[3]?.['ohlc'], { open: 99.5, high: 101.75, low: 98.25, close: 99.95 });
    assert.equal(found[3]['change'], 0.3);
    assert.deepEqual([found[3].ts, found[4]?.ts], [undefined, index.exchangeTime * 1_000]);
  });

  it('divides by what the segment counts prices in', () => {
    for (const token of [INFY, USDINR, BCD]) {
      const packet = encodePacket({ ...kiteQuote(token, 0), lastPrice: 83.1275 }, 'ltp');
      const [found] = ticksOf(kiteAdapter(), encodeFrame([packet]));
      assert.equal(found?.price, token === INFY ? 83.13 : 83.1275);
    }
  });

  it('reads what an independent writer wrote, for any numbers', () => {
    const count = fc.integer({ min: 0, max: 0xff_ff_ff_ff });
    const paise = fc.integer({ min: -1_000_000, max: 2_000_000_000 });
    const tokens = fc.integer({ min: 1, max: 0xff_ff_ff }).map((high) => high * 256 + 1);
    const modes = fc.constantFrom('ltp', 'quote', 'full');
    fc.assert(
      fc.property(tokens, paise, count, count, modes, (token, price, volume, oi, mode) => {
        const quote: KiteQuote = { ...kiteQuote(token, 0), lastPrice: price / 100, volume, oi };
        const [found] = ticksOf(kiteAdapter(), encodeFrame([encodePacket(quote, mode)]));
        assert.deepEqual([found?.['instrument_token'], found?.price], [token, price / 100]);
        if (mode !== 'ltp') assert.equal(found?.['volume_traded'], volume);
        if (mode === 'full') assert.equal(found?.['oi'], oi);
      }),
    );
  });

  it('takes the heartbeat for what it is, also as a part of a bigger buffer', () => {
    assert.deepEqual(kiteAdapter().parse(HEARTBEAT), []);
    assert.deepEqual(kiteAdapter().parse(new Uint8Array()), []);
    const frame = encodeFrame([encodePacket(kiteQuote(INFY, 0), 'ltp')]);
    const within = Buffer.concat([Buffer.alloc(3, 255), frame]).subarray(3);
    assert.equal(ticksOf(kiteAdapter(), within)[0]?.price, 100);
  });

  it('never reads beyond a frame that is cut', () => {
    const frame = encodeFrame([encodePacket(kiteQuote(INFY, 0), 'full')]);
    for (let length = 2; length < frame.length; length += 1) {
      assert.throws(() => kiteAdapter().parse(frame.subarray(0, length)), /ends within packet 1/);
    }
    assert.throws(
      () => kiteAdapter().parse(encodeFrame([Buffer.alloc(4)])),
      /4 bytes is not known/,
    );
    assert.throws(
      () => kiteAdapter().parse(encodeFrame([Buffer.alloc(9)])),
      /9 bytes is not known/,
    );
  });

  it('tells errors of the venue, and lets orders and messages pass', () => {
    const parse = (value: unknown) => kiteAdapter().parse(JSON.stringify(value));
    assert.deepEqual(parse({ type: 'order', data: { order_id: '1', status: 'COMPLETE' } }), []);
    assert.deepEqual(parse({ type: 'message', data: 'Markets close early' }), []);
    assert.deepEqual(parse({ type: 'error', data: "Can't subscribe to more" }), {
      ...{ ticks: [], refused: "Can't subscribe to more" },
    });
    assert.throws(() => parse(['x']), /Not a message of Kite/);
    assert.throws(() => kiteAdapter().parse('hello'), /Not JSON/);
  });
});
