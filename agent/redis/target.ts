import type { ConnectionOptions } from 'node:tls';
import type { ClusterNode, RedisOptions } from 'ioredis';
import * as z from 'zod';
import { InterlockError } from '../common/errors.ts';
import {
  parseRedisAddress,
  REDIS_ADDRESS_EXPECTED,
  type NetworkAddress,
} from '../config/redisAddress.ts';
import { hasHashTag, redisTls, type RedisConfig, type RedisTls } from '../config/redisConfig.ts';
import { readTlsFiles } from '../config/tlsFiles.ts';

/** Which Redis: the private one on a socket of ours, or one that a person named. */
export const redisTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('private'), socketPath: z.string() }),
  z.object({
    kind: z.literal('url'),
    url: z.string(),
    tls: redisTls.optional(),
    sentinelUsername: z.string().optional(),
    sentinelPassword: z.string().optional(),
    /** Of all keys, where it is a Cluster: it tells which server has them. */
    prefix: z.string().optional(),
  }),
]);

export type RedisTarget = z.infer<typeof redisTarget>;

/** How ioredis connects to a target, without any policy on retries. */
export type ConnectionPlan =
  | { way: 'single' | 'sentinel'; options: RedisOptions }
  | { way: 'cluster'; nodes: ClusterNode[]; options: RedisOptions; prefix: string };

/**
 * Which Redis to use: the command line wins over the environment, that over the config file;
 * none of them means the private server.
 * @throws InterlockError `bad_usage` for an address that is none, `bad_config` for a Cluster and a
 *   prefix without a hash tag
 */
export function chooseRedisTarget(choice: {
  flag: string | undefined;
  env: string | undefined;
  config: RedisConfig;
  privateSocketPath: string;
}): RedisTarget {
  const { config } = choice;
  const given = [
    ...[
      { url: choice.flag, from: '--redis' },
      { url: choice.env, from: 'REDIS_URL' },
    ],
    { url: config.url, from: 'redis.url' },
  ];
  for (const { url, from } of given) {
    if (url === undefined || url === '') continue;
    const address = parseRedisAddress(url);
    if (address !== undefined) return { kind: 'url', url, ...settingsFor(address.way, config) };
    // Not shown: it may hold a password.
    throw new InterlockError({
      code: 'bad_usage',
      message: `The address in ${from} is none of a Redis.`,
      remedy: `Write ${REDIS_ADDRESS_EXPECTED}.`,
    });
  }
  return { kind: 'private', socketPath: choice.privateSocketPath };
}

/** What the config file adds to an address. */
function settingsFor(way: NetworkAddress['way'] | 'socket', config: RedisConfig) {
  const { tls, sentinelUsername, sentinelPassword, prefix } = config;
  if (way === 'cluster') requireHashTag(prefix);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(way === 'sentinel' && sentinelUsername !== undefined ? { sentinelUsername } : {}),
    ...(way === 'sentinel' && sentinelPassword !== undefined ? { sentinelPassword } : {}),
    ...(way === 'cluster' ? { prefix } : {}),
  };
}

/** Never added by itself: other programs must use the same prefix, and would look elsewhere. */
function requireHashTag(prefix: string): void {
  if (hasHashTag(prefix)) return;
  throw new InterlockError({
    code: 'bad_config',
    message: `redis.prefix is "${prefix}". On Redis Cluster it must carry a hash tag, so that all keys of one script are on one server.`,
    remedy: `Write "prefix": "{${prefix}}" below "redis" in interlock.config.json, and use the same prefix in every other program of these queues.`,
  });
}

/** The address without user, password and query: fit for logs and views. */
export function describeTarget(target: RedisTarget): string {
  if (target.kind === 'private') return target.socketPath;
  const address = parseRedisAddress(target.url);
  if (address === undefined) return 'the given address';
  return address.way === 'socket' ? address.path : address.shown;
}

/**
 * @throws InterlockError `bad_config` when a file of the TLS settings can not be read, `bad_usage` for
 *   an address that is none
 */
export function connectionPlan(target: RedisTarget): ConnectionPlan {
  if (target.kind === 'private') return { way: 'single', options: { path: target.socketPath } };
  const address = parseRedisAddress(target.url);
  if (address === undefined) {
    throw new InterlockError({
      code: 'bad_usage',
      message: 'The address is none of a Redis.',
      remedy: `Write ${REDIS_ADDRESS_EXPECTED}.`,
    });
  }
  if (address.way === 'socket') return { way: 'single', options: { path: address.path } };
  const { way, nodes, master: name } = address;
  const tls = address.tls ? { tls: tlsOptions(target.tls) } : {};
  const options = { ...credentials(address), ...tls };
  if (way === 'cluster') return { way, nodes, options, prefix: target.prefix ?? '' };
  const database = address.database === 0 ? {} : { db: address.database };
  if (way === 'single') return { way, options: { ...nodes[0], ...options, ...database } };
  const { sentinelUsername, sentinelPassword } = target;
  return {
    way,
    options: {
      ...{ sentinels: nodes, name, ...options, ...database },
      ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
      ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
      // Sentinels and servers are of one installation: TLS is for both.
      ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tls.tls } : {}),
    },
  };
}

function credentials({ username, password }: NetworkAddress): RedisOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function tlsOptions(tls: RedisTls | undefined): ConnectionOptions {
  const { serverName, rejectUnauthorized, ...files } = tls ?? {};
  return {
    // The paths are absolute.
    ...readTlsFiles('redis.tls', '', files),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}
