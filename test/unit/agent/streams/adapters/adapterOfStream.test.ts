import assert from 'node:assert/strict';
import * as path from 'node:path';
import { InterlockError } from '../../../../../agent/common/errors.ts';
import { adapterOfStream } from '../../../../../agent/streams/adapters/adapterOfStream.ts';
import { jsonAdapter } from '../../../../../agent/streams/adapters/jsonAdapter.ts';
import { ManualClock } from '../manualClock.ts';

const WORKSPACE = process.cwd();

describe('the adapter of a stream', () => {
  let loaded: string[] = [];

  beforeEach(() => {
    loaded = [];
  });

  const open = (adapter: string | undefined) =>
    adapterOfStream({
      ...{ adapter, url: 'wss://example.org/ws', workspace: WORKSPACE, clock: new ManualClock() },
      loadModule: (file) => {
        loaded.push(file);
        return Promise.resolve({ default: { subscribe: () => ['mine'], parse: () => [] } });
      },
    });

  it('is the JSON default when none is named', async () => {
    assert.equal(await open(undefined), jsonAdapter);
  });

  it('is a built-in one by its name, of its own for each stream', async () => {
    const binance = await open('binance-spot');
    assert.match(String(binance.subscribe(['BTCUSDT'])), /btcusdt@aggTrade/);
    assert.match(String((await open('kite')).subscribe(['5'])), /"subscribe","v":\[5\]/);
    assert.notEqual(await open('kite'), await open('kite'));
    assert.deepEqual(loaded, []);
  });

  it('is a file of the workspace by any other name', async () => {
    assert.deepEqual((await open('./package.json')).subscribe([]), ['mine']);
    assert.deepEqual(loaded, [path.join(WORKSPACE, 'package.json')]);
  });

  it('is refused with the names that there are, when it is neither', async () => {
    const wrong: [string, RegExp][] = [
      ['binance', /"binance": expected a built-in adapter \("binance-spot", "kite"\), or a file/],
      ['constructor', /expected a built-in adapter/],
      ['./feeds/kite.ts', /"\.\/feeds\/kite\.ts": expected a file that exists: .*feeds/],
    ];
    for (const [name, why] of wrong) {
      await assert.rejects(open(name), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'bad_config');
        assert.match(error.message, why);
        return true;
      });
    }
    assert.deepEqual(loaded, []);
  });
});
