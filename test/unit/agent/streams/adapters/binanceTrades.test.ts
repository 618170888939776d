import assert from 'node:assert/strict';
import type { Gap } from '../../../../../agent/streams/adapters/adapter.ts';
import { binanceSpotAdapter } from '../../../../../agent/streams/adapters/binanceSpot.ts';
import {
  BinanceTrades,
  MAX_REQUESTS_PER_MINUTE,
  restUrlOf,
} from '../../../../../agent/streams/adapters/binanceTrades.ts';
import { ManualClock } from '../manualClock.ts';

const gapOf = (symbol: string, after: number, missing: number): Gap => ({
  ...{ symbol, after, before: after + missing + 1, missing },
});
const tradeOf = (a: number) => ({
  a,
  p: `${a}.5`,
  q: '1',
  f: a,
  l: a,
  T: 1_000 + a,
  m: true,
  M: true,
});

describe('the trades that never came', () => {
  let clock: ManualClock;
  let asked: URL[];
  let answer: () => Response;
  let trades: BinanceTrades;

  const fetch = (url: URL) => {
    asked.push(url);
    return Promise.resolve(answer());
  };

  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
    answer = () => Response.json([]);
    trades = new BinanceTrades('https://api.binance.com', clock, fetch);
  });

  const listed = (...ids: number[]) => Response.json(ids.map(tradeOf));

  it('are asked for by the first missing id, and come as ticks of the same symbol', async () => {
    answer = () => listed(101, 102, 103, 104);
    const adapter = binanceSpotAdapter({ url: 'wss://stream.binance.com/ws', clock, fetch });
    const found = await adapter.resync?.(gapOf('btcusdt', 100, 3));
    assert.equal(
      asked[0]?.href,
      'https://api.binance.com/api/v3/aggTrades?symbol=BTCUSDT&fromId=101&limit=3',
    );
    assert.deepEqual(
      found?.ticks.map(({ symbol, seq, price, ts }) => [symbol, seq, price, ts]),
      [101, 102, 103].map((id) => ['btcusdt', id, id + 0.5, 1_000 + id]),
    );
    assert.equal(found.refused, undefined);
  });

  it('are told to be incomplete when Binance has fewer', async () => {
    answer = () => listed(102);
    const adapter = binanceSpotAdapter({ url: 'wss://stream.binance.com/ws', clock, fetch });
    const found = await adapter.resync?.(gapOf('BTCUSDT', 100, 3));
    assert.equal(found?.ticks.length, 1);
    assert.match(found.refused ?? '', /1 of 3 missing trades of BTCUSDT/);
  });

  it('are only aggregate trades', async () => {
    const adapter = binanceSpotAdapter({ url: 'wss://stream.binance.com/ws', clock, fetch });
    const other = async () => adapter.resync?.(gapOf('BTCUSDT@trade', 100, 3));
    await assert.rejects(other, /BTCUSDT@trade: only missing aggregate trades/);
    assert.equal(asked.length, 0);
  });

  it('are not fetched when they are more than one answer holds', async () => {
    await assert.rejects(trades.inGap('BTCUSDT', gapOf('x', 5, 1_001)), /1001 trades of BTCUSDT/);
    assert.equal(asked.length, 0);
    await trades.inGap('BTCUSDT', gapOf('x', 5, 1_000));
    assert.equal(asked[0]?.searchParams.get('limit'), '1000');
  });

  it('leave room in the limits of the REST interface, in a rolling minute', async () => {
    const ask = () => trades.inGap('BTCUSDT', gapOf('x', 5, 1));
    for (let turn = 0; turn < MAX_REQUESTS_PER_MINUTE; turn += 1) await ask();
    await assert.rejects(ask, /within a minute/);
    await clock.advance(59_999);
    await assert.rejects(ask, /within a minute/);
    await clock.advance(2);
    await ask();
    assert.equal(asked.length, MAX_REQUESTS_PER_MINUTE + 1);
  });

  it('wait as long as Binance says after 429 and 418', async () => {
    const ask = () => trades.inGap('BTCUSDT', gapOf('x', 5, 1));
    for (const status of [429, 418]) {
      answer = () => new Response('', { status, headers: { 'retry-after': '30' } });
      await assert.rejects(ask, new RegExp(`HTTP ${status}`));
      const before = asked.length;
      answer = () => listed();
      await clock.advance(29_000);
      await assert.rejects(ask, /not fetched for 1 s: Binance asked for a pause/);
      assert.equal(asked.length, before);
      await clock.advance(1_001);
      await ask();
    }
    answer = () => new Response('', { status: 429 });
    await assert.rejects(ask, /HTTP 429/);
    await assert.rejects(ask, /not fetched for 60 s/);
  });

  it('tell which host failed, and what it answered', async () => {
    const ask = () => trades.inGap('BTCUSDT', gapOf('x', 5, 1));
    answer = () => new Response('', { status: 503 });
    await assert.rejects(ask, /trades of BTCUSDT from api\.binance\.com .*HTTP 503/);
    answer = () => new Response('<html>');
    await assert.rejects(ask, /api\.binance\.com were not fetched/);
    answer = () => Response.json([{ a: 'one' }]);
    await assert.rejects(ask, /api\.binance\.com were not fetched/);
  });

  it('are asked of the host that belongs to the stream', () => {
    assert.equal(restUrlOf('wss://stream.binance.com:443/ws'), 'https://api.binance.com');
    assert.equal(
      restUrlOf('wss://data-stream.binance.vision/ws'),
      'https://data-api.binance.vision',
    );
    assert.equal(
      restUrlOf('wss://stream.testnet.binance.vision/ws'),
      'https://testnet.binance.vision',
    );
    assert.equal(restUrlOf('wss://constructor/ws'), undefined);
    assert.equal(restUrlOf('nonsense'), undefined);
  });
});
