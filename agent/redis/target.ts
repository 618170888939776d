import type { RedisOptions } from 'ioredis';
import { InterlockError } from '../common/errors.ts';

/** Which Redis: the private one on a socket of ours, or one that a person named. */
export type RedisTarget = { kind: 'private'; socketPath: string } | { kind: 'url'; url: string };

/**
 * Which Redis to use: the command line wins over the environment, that over the config file;
 * none of them means the private server.
 * @throws InterlockError `bad_usage` for an address that is none
 */
export function chooseRedisTarget(choice: {
  flag: string | undefined;
  env: string | undefined;
  config: string | undefined;
  privateSocketPath: string;
}): RedisTarget {
  const given = [
    ...[
      { url: choice.flag, from: '--redis' },
      { url: choice.env, from: 'REDIS_URL' },
    ],
    { url: choice.config, from: 'redis.url' },
  ];
  for (const { url, from } of given) {
    if (url === undefined || url === '') continue;
    if (isRedisUrl(url)) return { kind: 'url', url };
    // Not shown: it may hold a password.
    throw new InterlockError({
      code: 'bad_usage',
      message: `The address in ${from} is none of a Redis.`,
      remedy: 'Write redis://host:port, rediss://host:port or the path of a unix socket.',
    });
  }
  return { kind: 'private', socketPath: choice.privateSocketPath };
}

function isRedisUrl(text: string): boolean {
  return text.startsWith('/') || (/^(rediss?|unix):\/\//.test(text) && URL.canParse(text));
}

/** The address without user, password and query: fit for logs and views. */
export function describeTarget(target: RedisTarget): string {
  if (target.kind === 'private') return target.socketPath;
  try {
    const url = new URL(target.url);
    return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
  } catch {
    return target.url.startsWith('/') ? target.url : 'the given address';
  }
}

/** ioredis options for a target, without any policy on retries. */
export function connectionOptions(target: RedisTarget): RedisOptions {
  if (target.kind === 'private') return { path: target.socketPath };
  if (target.url.startsWith('/')) return { path: target.url };
  const url = new URL(target.url);
  if (url.protocol === 'unix:') return { path: url.pathname };
  const options: RedisOptions = {
    // A URL writes an IPv6 address in brackets.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
  };
  if (url.username !== '') options.username = decodeURIComponent(url.username);
  if (url.password !== '') options.password = decodeURIComponent(url.password);
  const database = Number(url.pathname.slice(1));
  if (url.pathname.length > 1 && Number.isInteger(database)) options.db = database;
  if (url.protocol === 'rediss:') options.tls = {};
  return options;
}
