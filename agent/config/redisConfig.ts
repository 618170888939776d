import * as path from 'node:path';
import * as z from 'zod';
import { parseRedisAddress, REDIS_ADDRESS_EXPECTED } from './redisAddress.ts';
import { isPair, PAIR_EXPECTED, tlsFiles } from './tlsFiles.ts';

/** What a TLS connection to Redis needs beside the address. */
export const redisTls = tlsFiles.extend({
  serverName: z.string().min(1).optional().meta({
    description: 'Name that the certificate of Redis must have. Left out: the host of the address.',
  }),
  rejectUnauthorized: z.boolean().optional().meta({
    description:
      'false: any certificate is taken, so anyone between may read and write. For tests.',
  }),
});

export type RedisTls = z.infer<typeof redisTls>;

export const redisConfig = z
  .strictObject({
    url: z
      .string()
      .refine((url) => parseRedisAddress(url) !== undefined, `expected ${REDIS_ADDRESS_EXPECTED}`)
      .optional(),
    prefix: z.string().min(1).default('bull').meta({
      description: 'As in the other programs. On Redis Cluster a hash tag, such as "{bull}".',
    }),
    tls: redisTls.refine(isPair, { error: PAIR_EXPECTED }).optional(),
    sentinelUsername: z.string().min(1).optional(),
    sentinelPassword: z.string().min(1).optional().meta({
      description: 'Of the sentinels themselves; those of Redis stand in the address.',
    }),
  })
  .refine(({ url, tls }) => tls === undefined || url === undefined || url.startsWith('rediss'), {
    path: ['tls'],
    error: 'expected an address that begins with "rediss" beside it',
  });

export type RedisConfig = z.infer<typeof redisConfig>;

/** Whether a prefix carries a hash tag, which keeps all keys below it in one slot of a Cluster. */
export function hasHashTag(prefix: string): boolean {
  const open = prefix.indexOf('{');
  return open !== -1 && prefix.indexOf('}', open) > open + 1;
}

/** The settings with absolute paths: a process that gets them may have another folder. */
export function withTlsFilesIn(folder: string, config: RedisConfig): RedisConfig {
  if (config.tls === undefined) return config;
  const { caFile, certFile, keyFile, ...rest } = config.tls;
  const absolute = (file: string) => path.resolve(folder, file);
  return {
    ...config,
    tls: {
      ...rest,
      ...(caFile === undefined ? {} : { caFile: absolute(caFile) }),
      ...(certFile === undefined ? {} : { certFile: absolute(certFile) }),
      ...(keyFile === undefined ? {} : { keyFile: absolute(keyFile) }),
    },
  };
}
