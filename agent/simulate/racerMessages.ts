import * as z from 'zod';
import { ERROR_CODES } from '../common/errors.ts';
import { configSchema, jobTypeConfig } from '../config/schema.ts';
import { redisTarget } from '../redis/target.ts';

/** What the processes of a race say to each other. Both sides parse. */

export const toRacer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('setup'),
    target: redisTarget,
    prefix: z.string(),
    jobType: z.string(),
    /** Without its rules in a naive race. */
    typeConfig: jobTypeConfig,
    deduplication: configSchema.shape.deduplication,
    /** No worker before every attempt is answered: the rule is about what waits. */
    workersWait: z.boolean(),
    data: z.json(),
    attempts: z.number().int().nonnegative(),
  }),
  /** All are ready: ask now. */
  z.object({ kind: z.literal('go') }),
  /** All attempts of all racers are answered: runs may end now. */
  z.object({ kind: z.literal('release') }),
  z.object({ kind: z.literal('finish') }),
]);

export const fromRacer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('progress'), answered: z.number().int() }),
  z.object({
    kind: z.literal('answered'),
    accepted: z.number().int(),
    refusedByLayer: z.record(z.string(), z.number().int()),
  }),
  z.object({
    kind: z.literal('failed'),
    code: z.enum(ERROR_CODES),
    message: z.string(),
    remedy: z.string().optional(),
  }),
]);

export type ToRacer = z.infer<typeof toRacer>;
export type FromRacer = z.infer<typeof fromRacer>;
export type RacerSetup = Extract<ToRacer, { kind: 'setup' }>;
