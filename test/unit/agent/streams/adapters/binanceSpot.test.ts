import assert from 'node:assert/strict';
import type { ParsedFrame, StreamAdapter } from '../../../../../agent/streams/adapters/adapter.ts';
import { binanceSpotAdapter } from '../../../../../agent/streams/adapters/binanceSpot.ts';
import { tick, type Tick } from '../../../../../agent/streams/adapters/tick.ts';
import { ManualClock } from '../manualClock.ts';

const URL_OF_STREAM = 'wss://stream.binance.com:9443/stream';
const noFetch = () => Promise.reject(new Error('nothing is fetched here'));

const open = (url = URL_OF_STREAM) =>
  binanceSpotAdapter({ url, clock: new ManualClock(), fetch: noFetch });

/** As the venue's document shows it. */
const TRADE = {
  ...{ e: 'aggTrade', E: 1_672_515_782_136, s: 'BNBBTC', a: 12_345, p: '0.001', q: '100' },
  ...{ f: 100, l: 105, T: 1_672_515_782_130, m: true, M: true },
};

function ticksOf(adapter: StreamAdapter, event: unknown): Tick[] {
  const parsed = adapter.parse(JSON.stringify(event));
  assert.ok(Array.isArray(parsed), 'ticks, and nothing else');
  for (const one of parsed) assert.deepEqual(tick.parse(one), one);
  return parsed;
}

function talkOf(event: unknown): ParsedFrame {
  const parsed = open().parse(JSON.stringify(event));
  assert.ok(!Array.isArray(parsed), 'more than ticks');
  return parsed;
}

describe('the Binance spot adapter', () => {
  it('subscribes to aggregate trades, or to the stream that a symbol names, with a growing id', () => {
    const adapter = open();
    assert.deepEqual(adapter.subscribe(['BTCUSDT', 'ethusdt@bookticker', 'BNBBTC@kline_1m']), [
      '{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","ethusdt@bookTicker","bnbbtc@kline_1m"],"id":1}',
    ]);
    assert.deepEqual(adapter.unsubscribe(['BTCUSDT']), [
      '{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":2}',
    ]);
    assert.deepEqual([adapter.subscribe([]), adapter.unsubscribe([])], [[], []]);
  });

  it('has one name for what is one subscription', () => {
    const normalise = (symbol: string) => open().normalise?.(symbol);
    for (const symbol of [
      'BTCUSDT',
      'btcusdt',
      ' BtcUsdt ',
      'BTCUSDT@aggTrade',
      'btcusdt@AGGTRADE',
    ]) {
      assert.equal(normalise(symbol), 'btcusdt');
    }
    assert.equal(normalise('BTCUSDT@BookTicker'), 'btcusdt@bookTicker');
    // A minute and a month.
    assert.notEqual(normalise('BTCUSDT@kline_1m'), normalise('BTCUSDT@kline_1M'));
  });

  it('makes a tick of an aggregate trade: number, price and time, and all other fields', () => {
    const expected = { ...TRADE, symbol: 'BNBBTC', price: 0.001, seq: 12_345, ts: TRADE.E };
    assert.deepEqual(ticksOf(open(), TRADE), [expected]);
    assert.deepEqual(ticksOf(open(), { stream: 'bnbbtc@aggTrade', data: TRADE }), [expected]);
    const bytes = open().parse(Buffer.from(JSON.stringify(TRADE)));
    assert.deepEqual(bytes, [expected]);
  });

  it('calls a symbol as the person does, and keeps the streams of one pair apart', () => {
    const adapter = open();
    adapter.subscribe(['bnbBtc', 'BNBBTC@trade', 'BNBBTC@bookTicker']);
    const trade = { e: 'trade', E: 5, s: 'BNBBTC', t: 9, p: '2', q: '1', T: 5, m: true, M: true };
    const book = { u: 400_900_217, s: 'BNBBTC', b: '25.35', B: '31.21', a: '25.45', A: '40.66' };
    const [first, second, third] = [TRADE, trade, book].map((event) => ticksOf(adapter, event)[0]);
    assert.deepEqual([first?.symbol, first?.seq], ['bnbBtc', 12_345]);
    assert.deepEqual([second?.symbol, second?.seq, second?.price], ['BNBBTC@trade', 9, 2]);
    assert.deepEqual([third?.symbol, third?.price], ['BNBBTC@bookTicker', 25.4]);
    // Its numbers leave holes: they are no sequence. And it tells no time.
    assert.deepEqual([third?.seq, third?.ts], [undefined, undefined]);
    adapter.unsubscribe(['bnbBtc']);
    assert.equal(ticksOf(adapter, TRADE)[0]?.symbol, 'bnbBtc', 'another connection still has it');
  });

  it('takes the other streams with a price', () => {
    const base = { E: 7, s: 'BNBBTC' };
    const events: [object, string, number][] = [
      [{ ...base, e: '24hrTicker', c: '0.0025', p: '9' }, 'BNBBTC@ticker', 0.0025],
      [{ ...base, e: '24hrMiniTicker', c: '3' }, 'BNBBTC@miniTicker', 3],
      [{ ...base, e: '4hTicker', c: '4' }, 'BNBBTC@ticker_4h', 4],
      [{ ...base, e: 'avgPrice', i: '5m', w: '25776.86' }, 'BNBBTC@avgPrice', 25_776.86],
      [{ ...base, e: 'kline', k: { i: '1m', c: '0.002', x: false } }, 'BNBBTC@kline_1m', 0.002],
    ];
    for (const [event, symbol, price] of events) {
      const [found] = ticksOf(open(), event);
      assert.deepEqual([found?.symbol, found?.price, found?.ts], [symbol, price, 7]);
    }
    const all = ticksOf(open(), [{ ...base, e: '24hrMiniTicker', c: '3' }]);
    assert.equal(all.length, 1);
    const offset = { ...base, e: 'kline', k: { i: '1d', c: '1' } };
    const [shifted] = ticksOf(open(), { stream: 'bnbbtc@kline_1d@+08:00', data: offset });
    assert.equal(shifted?.symbol, 'BNBBTC@kline_1d@+08:00');
  });

  it('knows answers, errors and the news of a shutdown from ticks', () => {
    assert.deepEqual(talkOf({ result: null, id: 1 }), { ticks: [] });
    assert.deepEqual(talkOf({ result: ['btcusdt@aggTrade'], id: 3 }), { ticks: [] });
    for (const error of [
      { code: 2, msg: 'Invalid request: too many parameters', id: 4 },
      { error: { code: 2, msg: 'Invalid request: too many parameters' }, id: 4 },
    ]) {
      assert.match(
        talkOf(error).refused ?? '',
        /^Invalid request: too many parameters \(code 2\)$/,
      );
    }
    const shutdown = { e: 'serverShutdown', E: 1_770_123_456_789 };
    for (const frame of [
      shutdown,
      { event: shutdown },
      { stream: '!serverShutdown', data: shutdown },
    ]) {
      assert.match(talkOf(frame).rotate ?? '', /shutdown/);
    }
  });

  it('says what is wrong with a frame', () => {
    const bad: [string, RegExp][] = [
      ['{"e":', /Not JSON/],
      ['17', /Not an event: 17/],
      ['{"stream":"a@b","data":5}', /Not an event/],
      [JSON.stringify({ ...TRADE, p: '' }), /No pair or price/],
      [JSON.stringify({ ...TRADE, p: 'x' }), /No pair or price/],
      [JSON.stringify({ ...TRADE, s: 5 }), /No pair or price/],
      [JSON.stringify({ e: 'depthUpdate', E: 1, s: 'BNBBTC', b: [], a: [] }), /No pair or price/],
      [JSON.stringify({ lastUpdateId: 160, bids: [], asks: [] }), /No pair or price/],
    ];
    for (const [frame, why] of bad) assert.throws(() => open().parse(frame), why);
  });

  it('states limits within the published ones', () => {
    const { limits = {} } = open();
    assert.deepEqual(limits.connects, [{ count: 300, per: 300_000 }]);
    assert.equal(limits.symbolsPerConnection, 1_024);
    assert.equal(limits.maxLifetime, 86_400_000);
    for (const { count, per } of limits.messages ?? []) assert.ok(count / per <= 5 / 1_000);
  });

  it('fetches nothing from hosts that it does not know', () => {
    assert.ok('resync' in open());
    assert.ok(!('resync' in open('wss://127.0.0.1:9000/ws')));
    assert.ok(!('resync' in open('wss://stream.binance.com.evil.example/ws')));
  });
});
