import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { redisConfig } from '../../../../agent/config/redisConfig.ts';
import {
  chooseRedisTarget,
  connectionPlan,
  describeTarget,
} from '../../../../agent/redis/target.ts';

const choose = (given: { flag?: string; env?: string; config?: string }) =>
  chooseRedisTarget({
    ...{ flag: given.flag, env: given.env, config: redisConfig.parse({ url: given.config }) },
    privateSocketPath: '/s/redis.sock',
  });
const url = (text: string) => ({ kind: 'url', url: text }) as const;
const optionsOf = (text: string) => connectionPlan(url(text)).options;

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
    const { tls, ...rest } = optionsOf('rediss://me:p%40ss@h:7000/3');
    assert.deepEqual(rest, { host: 'h', port: 7_000, username: 'me', password: 'p@ss', db: 3 });
    assert.deepEqual(tls, {});
    assert.deepEqual(optionsOf('redis://h'), { host: 'h', port: 6_379 });
    assert.deepEqual(optionsOf('unix:///tmp/r.sock'), { path: '/tmp/r.sock' });
    assert.deepEqual(optionsOf('/tmp/r.sock'), { path: '/tmp/r.sock' });
  });

  it('is found by an IPv6 address, which a URL writes in brackets', () => {
    assert.deepEqual(optionsOf('redis://[::1]:7000'), { host: '::1', port: 7_000 });
  });

  it('is a master that sentinels know, or a Cluster', () => {
    const sentinel = connectionPlan({
      ...url('rediss+sentinel://me:pw@a:1,b/main/2'),
      ...{ sentinelPassword: 'other', tls: { serverName: 'redis.example' } },
    });
    const tls = { servername: 'redis.example' };
    assert.deepEqual(sentinel, {
      way: 'sentinel',
      options: {
        sentinels: [
          { host: 'a', port: 1 },
          { host: 'b', port: 26_379 },
        ],
        ...{ name: 'main', username: 'me', password: 'pw', db: 2, sentinelPassword: 'other' },
        ...{ tls, sentinelTLS: tls, enableTLSForSentinelMode: true },
      },
    });
    const cluster = connectionPlan({ ...url('redis+cluster://:pw@a:1,[::1]:2'), prefix: '{b}' });
    assert.deepEqual(cluster, {
      way: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      options: { password: 'pw' },
      prefix: '{b}',
    });
  });

  for (const text of [
    ...['redis+sentinel://h:1', 'redis+sentinel:///main', 'redis+sentinel://h/main/x'],
    ...['redis+cluster://h:1/3', 'redis+cluster://', 'redis+cluster://h:1,', 'redis+other://h'],
    ...['redis://h:1,h:2', 'redis://h/3/4', 'redis://%:x@h', 'redis://h:0'],
  ]) {
    it(`is not "${text}"`, () => assert.throws(() => choose({ flag: text }), InterlockError));
  }

  it('needs a prefix with a hash tag when it is a Cluster, and says what to write', () => {
    const onCluster = (prefix: string) => () =>
      chooseRedisTarget({
        ...{ flag: 'redis+cluster://h', env: undefined, privateSocketPath: '/s' },
        config: redisConfig.parse({ prefix }),
      });
    for (const prefix of ['bull', 'a{}b', 'a}b{', '}{'] as const) {
      assert.throws(onCluster(prefix), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'bad_config');
        assert.ok(error.remedy?.includes(`"{${prefix}}"`));
        return true;
      });
    }
    assert.deepEqual(onCluster('x{bull}')(), {
      ...url('redis+cluster://h'),
      prefix: 'x{bull}',
    });
  });

  it('is named without user, password and query', () => {
    for (const text of [
      'redis://me:secret@h:1/2?token=secret',
      'rediss://:secret@h',
      'redis+cluster://:secret@h,i',
      'redis+sentinel://me:secret@h/m',
    ]) {
      assert.doesNotMatch(describeTarget(url(text)), /secret|me:/);
    }
    assert.equal(describeTarget(url('redis://me:secret@h:1/2')), 'redis://h:1/2');
  });
});
