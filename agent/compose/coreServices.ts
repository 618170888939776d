import type { Telemetry } from 'bullmq';
import type { Clock } from '../common/clock.ts';
import type { JsonValue } from '../common/json.ts';
import type { Random } from '../common/random.ts';
import { ageThresholdsOf } from '../config/ageThresholds.ts';
import type { Config } from '../config/schema.ts';
import { DebugBoard } from '../debugging/debugBoard.ts';
import { DecisionLog } from '../decisions/decisionLog.ts';
import { AgeWatch } from '../feed/ageWatch.ts';
import { StateStore } from '../feed/stateStore.ts';
import { RunHistory } from '../history/runHistory.ts';
import { Enqueuer } from '../jobs/enqueuer.ts';
import { JobActions } from '../jobs/jobActions.ts';
import { scheduleOfJobId } from '../jobs/jobId.ts';
import { JobReader } from '../jobs/jobReader.ts';
import { leaseTimesOf } from '../jobs/leaseTimes.ts';
import { OutsideRuns } from '../jobs/outsideRuns.ts';
import { QueueDrain } from '../jobs/queueDrain.ts';
import { QueueSet } from '../jobs/queueSet.ts';
import { WorkerClients } from '../jobs/workerClients.ts';
import { RedisLeases } from '../leases/redisLeases.ts';
import { LockService } from '../locks/lockService.ts';
import type { Logger } from '../logging.ts';
import { Monitoring } from '../monitoring.ts';
import type { Holder } from '../protocol/decision.ts';
import type { Role } from '../protocol/role.ts';
import type { RedisConnections } from '../redis/connections.ts';
import { Keys } from '../redis/keys.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import { Scripts } from '../redis/scripts.ts';
import { AgentRegistry } from '../state/agentRegistry.ts';

export interface ServiceSetOptions {
  config: Config;
  workspace: string;
  /** What of it is built beyond what every agent needs to be looked at. */
  role: Role;
  /** Whose jobs it runs, if it runs any; left out: those of every queue. */
  queues?: readonly string[] | undefined;
  /** Where ticks wait on disk while Redis is away; null: nowhere. */
  stateFolder: string | null;
  connections: RedisConnections;
  holder: Holder;
  clock: Clock;
  random: Random;
  logger: Logger;
  onRunsChange: (count: number) => void;
  /** The person's own, for traces; left out: none. */
  telemetry?: Telemetry | undefined;
}

/** What an agent of every role has: it can be looked at, and it knows how jobs come in. */
export type CoreServices = ReturnType<typeof coreServices>;

/**
 * Makes them. None of them does anything by itself yet.
 * @param customKey what the handler module's `unique` says of a payload
 */
export function coreServices(
  options: ServiceSetOptions,
  customKey: (type: string, data: JsonValue) => Promise<JsonValue>,
) {
  const { config, connections, holder, clock, random, logger } = options;
  const redis = connections.commands;
  const scripts = new Scripts(redis);
  const keys = new Keys(config.redis.prefix);
  const monitoring = new Monitoring({ config, redis, keys, holder, clock, random, logger });
  const decisions = new DecisionLog(redis, keys, logger, (one) => monitoring.decided(one));
  const leases = new RedisLeases({ redis, scripts, keys, clock, holder });
  const queues = new QueueSet(redis, config, options.telemetry);
  const registry = new AgentRegistry(redis, keys.agents, holder, clock);
  const clients = new WorkerClients(redis, config.redis.prefix, clock);
  const agents = () => registry.list();
  const reader = new JobReader(queues, new OutsideRuns({ redis, keys, clients, agents }));
  const debugs = new DebugBoard(holder.agentId);
  const base = { redis, scripts, keys, queues, decisions };
  const locks = new LockService({
    ...{ redis, scripts, keys, config, clock, leases, decisions },
    queueNames: () => queues.names(),
    lockTtlOf: (queue) =>
      leaseTimesOf(Object.values(config.jobs).filter((type) => type.queue === queue)).lockMs,
  });
  const enqueuer = new Enqueuer({ ...base, config, clock, customKey });
  return {
    ...{
      ...base,
      enqueuer,
      debugs,
      monitoring,
      leases,
      registry,
      clients,
      reader,
      locks,
      store: new StateStore(clock),
    },
    history: new RunHistory({
      ...{ redis, scripts, keys, clock, logger, holder, retention: config.history },
      scheduleOf: scheduleOfJobId,
      onEnded: (run) => monitoring.runEnded(run),
    }),
    actions: new JobActions({ ...base, reader, customKey, enqueuing: enqueuer }),
    drain: new QueueDrain(base),
    ages: new AgeWatch({
      ...{ thresholds: ageThresholdsOf(config), clock, logger, nowMs: () => redisNowMs(redis) },
      runsSince: (beganMs) => reader.activeSince(beganMs),
      locks: (runs) => locks.ofRuns(runs),
      isDebugged: (job) => debugs.isDebugged(job),
    }),
  };
}
