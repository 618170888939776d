import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { applyEnvironment } from '../../../../agent/config/environment.ts';
import { loadConfig } from '../../../../agent/config/load.ts';
import { displayUrl } from '../../../../agent/streams/connection/displayUrl.ts';
import { makeWorkspace } from '../../../harness/workspace.ts';
import { assertProblem, HANDLER, JOB, parse, refusal, STREAM } from './configFixture.ts';

const KITE = 'wss://ws.kite.trade?api_key=${env:KITE_KEY}&access_token=${env:KITE_TOKEN}';

const apply = (url: string, env: NodeJS.ProcessEnv) => {
  const { config, problems } = applyEnvironment(
    parse({ streams: { feed: { ...STREAM, url } } }),
    env,
  );
  return { url: config.streams['feed']?.url ?? '', problems };
};

describe('variables of the environment in the URL of a stream', () => {
  it('are put in, encoded for their place', () => {
    const { url, problems } = apply(KITE, { KITE_KEY: 'k1', KITE_TOKEN: 'a b&c=d#é' });
    assert.deepEqual(problems, []);
    assert.equal(new URL(url).searchParams.get('api_key'), 'k1');
    assert.equal(new URL(url).searchParams.get('access_token'), 'a b&c=d#é');
    const auth = apply('wss://${env:NAME}:${env:WORD}@host/ws', { NAME: 'me', WORD: 'p@/:w' });
    assert.deepEqual(auth.problems, []);
    assert.equal(decodeURIComponent(new URL(auth.url).password), 'p@/:w');
  });

  it('leave a URL without them as it is', () => {
    for (const url of ['ws://h/p?a=$b', 'ws://h/p?a=${b}', 'ws://h/p?a=%24']) {
      assert.deepEqual(apply(url, {}), { url, problems: [] });
    }
  });

  it('are never shown', () => {
    const secret = fc.string({ minLength: 8 }).filter((text) => /^\w+$/.test(text));
    fc.assert(
      fc.property(secret, (word) => {
        for (const text of [KITE, 'wss://me:${env:KITE_KEY}@host/ws?t=${env:KITE_TOKEN}']) {
          const { url } = apply(text, { KITE_KEY: `k${word}`, KITE_TOKEN: `t${word}` });
          assert.ok(url.includes(word));
          assert.ok(!displayUrl(url).includes(word));
        }
      }),
    );
  });

  it('are a config error with the variable and the field when they are not set', () => {
    for (const env of [{ KITE_KEY: 'k1' }, { KITE_KEY: 'k1', KITE_TOKEN: '' }]) {
      const { problems, url } = apply(KITE, env);
      assert.deepEqual(
        problems.map((one) => [one.path, one.value]),
        [['streams.feed.url', KITE]],
      );
      assert.match(problems[0]?.expected ?? '', /variable KITE_TOKEN, which is not set/);
      assert.ok(!problems.some((one) => JSON.stringify(one).includes('k1')), 'no secret in it');
      assert.ok(!url.includes('undefined'));
    }
    assert.equal(apply(KITE, {}).problems.length, 2);
    const config = { jobs: { sync: JOB }, streams: { feed: { ...STREAM, url: KITE } } };
    const workspace = makeWorkspace(config, { [HANDLER]: '{}' });
    const error = refusal(() => loadConfig(workspace.folder, { KITE_KEY: 'k1' }));
    workspace.remove();
    assertProblem(error, 'streams.feed.url', KITE, /KITE_TOKEN, which is not set/);
  });

  it('are refused where the URL is shown to people', () => {
    const env = { HOST: 'h', KEY: 'k' };
    for (const url of ['wss://h/v2/${env:KEY}', 'wss://h/${env:KEY}?a=1', 'wss://h/x@${env:KEY}']) {
      const { problems, url: untouched } = apply(url, env);
      assert.match(problems[0]?.expected ?? '', /only in the user, the password or the query/);
      assert.equal(untouched, url);
    }
  });

  it('need a name that can be one', () => {
    for (const name of ['', ' ', 'A B', '1A', 'A-B']) {
      const { problems } = apply(`wss://h/?k=\${env:${name}}`, { [name]: 'x' });
      assert.match(problems[0]?.expected ?? '', /the name of a variable/);
    }
  });
});

describe('the adapter in the config', () => {
  it('is a built-in name or a file; anything else is refused with the names', () => {
    for (const adapter of ['binance-spot', 'kite', './package.json']) {
      parse({ streams: { feed: { ...STREAM, adapter } } });
    }
    const read = (adapter: string) => () => parse({ streams: { feed: { ...STREAM, adapter } } });
    const named = refusal(read('binance'));
    assertProblem(named, 'streams.feed.adapter', 'binance', /built-in.*"binance-spot", "kite"/);
    const filed = refusal(read('./nowhere.ts'));
    assertProblem(filed, 'streams.feed.adapter', './nowhere.ts', /^a file that exists/);
  });
});
