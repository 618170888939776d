import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import {
  chooseRedisTarget,
  connectionOptions,
  describeTarget,
} from '../../../../agent/redis/target.ts';

const choose = (given: { flag?: string; env?: string; config?: string }) =>
  chooseRedisTarget({
    ...{ flag: given.flag, env: given.env, config: given.config },
    privateSocketPath: '/s/redis.sock',
  });
const url = (text: string) => ({ kind: 'url', url: text }) as const;

describe('which Redis is used', () => {
  it('is told by the command line, then the environment, then the config, else it is private', () => {
    const all = { flag: 'redis://f', env: 'redis://e', config: 'redis://c' };
    assert.deepEqual(choose(all), url('redis://f'));
    assert.deepEqual(choose({ ...all, flag: '' }), url('redis://e'));
    assert.deepEqual(choose({ env: '', config: 'redis://c' }), url('redis://c'));
    assert.deepEqual(choose({}), { kind: 'private', socketPath: '/s/redis.sock' });
  });

  for (const text of ['foo', 'localhost:6379', 'http://h', 'redis://h:99999', 'redis:h']) {
    it(`is no guess: "${text}" is refused`, () => {
      assert.throws(
        () => choose({ env: text }),
        (error) => {
          assert.ok(error instanceof InterlockError);
          assert.equal(error.code, 'bad_usage');
          assert.match(error.message, /REDIS_URL/);
          assert.match(error.remedy ?? '', /redis:\/\/host:port/);
          return true;
        },
      );
    });
  }

  it('is connected to by its parts', () => {
    const { tls, ...rest } = connectionOptions(url('rediss://me:p%40ss@h:7000/3'));
    assert.deepEqual(rest, { host: 'h', port: 7_000, username: 'me', password: 'p@ss', db: 3 });
    assert.deepEqual(tls, {});
    assert.deepEqual(connectionOptions(url('redis://h')), { host: 'h', port: 6_379 });
    assert.deepEqual(connectionOptions(url('unix:///tmp/r.sock')), { path: '/tmp/r.sock' });
    assert.deepEqual(connectionOptions(url('/tmp/r.sock')), { path: '/tmp/r.sock' });
  });

  it('is found by an IPv6 address, which a URL writes in brackets', () => {
    assert.deepEqual(connectionOptions(url('redis://[::1]:7000')), { host: '::1', port: 7_000 });
  });

  it('is named without user, password and query', () => {
    for (const text of ['redis://me:secret@h:1/2?token=secret', 'rediss://:secret@h']) {
      assert.doesNotMatch(describeTarget(url(text)), /secret|me:/);
    }
    assert.equal(describeTarget(url('redis://me:secret@h:1/2')), 'redis://h:1/2');
  });
});
