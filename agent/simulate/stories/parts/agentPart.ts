import * as z from 'zod';
import { sleep, systemClock } from '../../../common/clock.ts';
import { ageThresholdsOf } from '../../../config/ageThresholds.ts';
import { configSchema, type Config } from '../../../config/schema.ts';
import { loadModule } from '../../../handlers/loadModule.ts';
import type { Enqueuing } from '../../../jobs/enqueuing.ts';
import { createLogger, type Logger } from '../../../logging.ts';
import { lockAgeLevel } from '../../../protocol/ageLevels.ts';
import type { Decision } from '../../../protocol/decision.ts';
import type { LockRow } from '../../../protocol/model.ts';
import type { RedisConnections } from '../../../redis/connections.ts';
import { handlerFile } from '../handlerFile.ts';
import { partOf, type OpenPart, type PartContext } from './part.ts';

const STDERR = 2;
const ALARM_LOOK_MS = 100;

/** The services of an agent, wired together as the agent wires them. */
export interface AgentServices {
  enqueuing: Enqueuing;
  startStream(name: string): Promise<Decision>;
  locks(): Promise<LockRow[]>;
}

export type StartServices = (options: {
  config: Config;
  connections: RedisConnections;
  agentId: string;
  logger: Logger;
}) => Promise<AgentServices>;

const optionsSchema = z.object({
  /** As in interlock.config.json. */
  config: z.record(z.string(), z.json()),
  /** Tells when a lock is older than `locks.warnAfter`. */
  watchesLocks: z.boolean().default(false),
});
const enqueueSchema = z.object({ type: z.string(), data: z.json() });
const clickSchema = z.object({ stream: z.string(), click: z.number().int() });

/** An agent of the product: all its services, without its socket. */
export function openAgent(startServices: StartServices): OpenPart {
  return async (context, raw) => {
    const { log, prefix, connections, actor, fail } = context;
    const options = optionsSchema.parse(raw);
    const config = configSchema.parse({ ...options.config, redis: { prefix } });
    const logger = createLogger(STDERR, 'silent');
    const agentId = actor.replaceAll(' ', '-');
    // Loading it the first time takes a while that is no part of the story.
    await loadModule(handlerFile());
    const services = await startServices({ config, connections, agentId, logger });
    if (options.watchesLocks) watchLocks(services, config, context).catch(fail);
    return partOf({
      enqueue: async (args) => {
        const decision = await services.enqueuing.enqueue(enqueueSchema.parse(args));
        await log.tell(`${decision.subject} is asked for: ${describe(decision)}`, {
          fact: { kind: 'asked', outcome: decision.outcome, reason: decision.reason },
        });
        return null;
      },
      warmUp: async (args) => (await services.enqueuing.enqueue(enqueueSchema.parse(args))).jobId,
      click: async (args) => {
        const { stream, click } = clickSchema.parse(args);
        const decision = await services.startStream(stream);
        await log.tell(`refresh ${click}: ${describe(decision)}`, {
          tone: 'good',
          fact: { kind: 'asked', outcome: decision.outcome, reason: decision.reason },
        });
        return null;
      },
    });
  };
}

export function describe({ outcome, reason, holder }: Decision): string {
  if (outcome === 'accepted') return outcome;
  const who = holder === null ? '' : `, ${holder.agentId.replaceAll('-', ' ')} has it`;
  return `${outcome} (${reason}${who})`;
}

/** Tells of each lock once for each level of age. */
async function watchLocks(
  services: AgentServices,
  config: Config,
  { log }: PartContext,
): Promise<void> {
  const thresholds = ageThresholdsOf(config);
  const told = new Set<string>();
  for (;;) {
    for (const { name, kind, ageMs, subject } of await services.locks()) {
      const level = lockAgeLevel(kind, ageMs, thresholds);
      if (level === 'normal' || told.has(`${name} ${level}`)) continue;
      told.add(`${name} ${level}`);
      await log.tell(`alarm, ${level}: the lock of ${subject} is old. It is told, not freed`, {
        tone: 'good',
        fact: { kind: 'alarm' },
      });
    }
    await sleep(systemClock, ALARM_LOOK_MS);
  }
}
