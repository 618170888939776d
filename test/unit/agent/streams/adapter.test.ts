import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { jsonAdapter } from '../../../../agent/streams/adapters/jsonAdapter.ts';
import { loadAdapter } from '../../../../agent/streams/adapters/loadAdapter.ts';

const tick = { symbol: 'NSE:TCS', price: 3_500.5, seq: 4, ts: 1_700_000_000_000, volume: 7 };

describe('the JSON adapter', () => {
  it('subscribes and unsubscribes', () => {
    assert.deepEqual(jsonAdapter.subscribe(['a', 'b']), ['{"op":"subscribe","symbols":["a","b"]}']);
    assert.deepEqual(jsonAdapter.unsubscribe(['a']), ['{"op":"unsubscribe","symbols":["a"]}']);
  });

  it('takes a tick or several, as text or bytes, and keeps other fields', () => {
    const json = JSON.stringify(tick);
    assert.deepEqual(jsonAdapter.parse(json), [tick]);
    assert.deepEqual(jsonAdapter.parse(JSON.stringify([tick, tick])), [tick, tick]);
    assert.deepEqual(jsonAdapter.parse(Buffer.from(json)), [tick]);
    assert.deepEqual(jsonAdapter.parse(`[${json}]`), [tick]);
    assert.deepEqual(jsonAdapter.parse('[]'), []);
  });

  it('does not need seq and ts', () => {
    const json = '{"symbol":"a","price":1}';
    assert.deepEqual(jsonAdapter.parse(json), [{ symbol: 'a', price: 1 }]);
  });

  it('lets talk pass that has no tick in it', () => {
    assert.deepEqual(jsonAdapter.parse('{"op":"subscribed","symbols":["a"]}'), []);
  });

  it('says what is wrong with a frame', () => {
    const bad: [string, RegExp][] = [
      ['{"symbol":', /Not JSON: \{"symbol":/],
      ['hello', /Not JSON: hello/],
      ['{"symbol":"a","price":"1"}', /price: .*number.*got \{"symbol"/],
      ['{"symbol":"","price":1}', /symbol: /],
      ['[{"symbol":"a","price":1},{"price":2}]', /symbol: /],
      ['{"symbol":"a","price":1,"seq":1.5}', /seq: /],
      ['null', /Not a tick/],
      ['17', /Not a tick/],
    ];
    for (const [frame, message] of bad) assert.throws(() => jsonAdapter.parse(frame), message);
  });
});

describe('an adapter of one’s own', () => {
  const load = (module: unknown) => loadAdapter('/w/feed.ts', () => Promise.resolve(module));
  const good = {
    subscribe: (symbols: string[]) => symbols.map((symbol) => `+${symbol}`),
    parse: (frame: unknown) => [{ symbol: String(frame), price: 1 }],
  };

  it('is the JSON default without a file', async () => {
    assert.equal(await loadAdapter(undefined, () => Promise.reject(new Error('no'))), jsonAdapter);
  });

  it('speaks for the stream, also from a compiled CommonJS module', async () => {
    for (const module of [{ default: good }, { default: { default: good } }]) {
      const adapter = await load(module);
      assert.deepEqual(adapter.subscribe(['a', 'b']), ['+a', '+b']);
      assert.deepEqual(adapter.unsubscribe(['a']), []);
      assert.deepEqual(adapter.parse('x'), [{ symbol: 'x', price: 1 }]);
    }
  });

  it('is checked each time it answers', async () => {
    const parsed = await load({ default: { ...good, parse: () => [{ symbol: 'a' }] } });
    assert.throws(() => parsed.parse('x'), /price/);
    const subscribed = await load({ default: { ...good, subscribe: () => 'text' } });
    assert.throws(() => subscribed.subscribe(['a']), /array of texts or bytes/);
  });

  it('is refused with the file and the reason when it is none', async () => {
    const wrong: [unknown, RegExp][] = [
      [{}, /default export/],
      [{ default: () => undefined }, /default export/],
      [{ default: { subscribe: good.subscribe } }, /parse/],
    ];
    for (const [module, why] of wrong) {
      await assert.rejects(load(module), (error) => isBadAdapter(error, why));
    }
    const throwing = loadAdapter('/w/feed.ts', () => Promise.reject(new Error('no such package')));
    await assert.rejects(throwing, (error) => isBadAdapter(error, /no such package/));
  });
});

function isBadAdapter(error: unknown, why: RegExp): boolean {
  assert.ok(error instanceof InterlockError);
  assert.equal(error.code, 'bad_config');
  assert.match(error.message, /\/w\/feed\.ts/);
  assert.match(error.message, why);
  return true;
}
