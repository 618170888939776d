import * as z from 'zod';
import { ERROR_CODES } from '../../common/errors.ts';
import { redisTarget } from '../../redis/target.ts';

/** What a story and its processes say to each other. Both sides parse. */

export const PART_NAMES = [
  'agent',
  'feed',
  'naivePages',
  'naiveTimer',
  'naiveDaemon',
  'naiveListWorker',
  'naiveHolder',
] as const;

export const toActor = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('setup'),
    part: z.enum(PART_NAMES),
    options: z.json(),
  }),
  z.object({ kind: z.literal('do'), id: z.number().int(), command: z.string(), args: z.json() }),
  /** Processes that are frozen: end them when who tells the story is gone. */
  z.object({ kind: z.literal('guard'), pids: z.array(z.number().int()) }),
]);

export const fromActor = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('done'), id: z.number().int(), value: z.json() }),
  z.object({
    kind: z.literal('failed'),
    /** null: it could not be set up, or broke down by itself. */
    id: z.number().int().nullable(),
    code: z.enum(ERROR_CODES),
    message: z.string(),
    remedy: z.string().optional(),
  }),
]);

/** What an actor and the handlers in it find in their environment. */
export const actorEnvironment = z.object({
  actor: z.string(),
  target: redisTarget,
  prefix: z.string(),
});

export const ACTOR_VARIABLE = 'INTERLOCK_STORY';

export type PartName = (typeof PART_NAMES)[number];
export type ToActor = z.infer<typeof toActor>;
export type FromActor = z.infer<typeof fromActor>;
export type ActorEnvironment = z.infer<typeof actorEnvironment>;
