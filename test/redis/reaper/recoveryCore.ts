import { Worker, type Job, type Queue } from 'bullmq';
import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import { deferred } from '../../../agent/common/deferred.ts';
import type { Holder } from '../../../agent/protocol/decision.ts';
import type { LostRun } from '../../../agent/reaper/lostRun.ts';
import { Recovery } from '../../../agent/reaper/recovery.ts';
import { eventually } from '../../harness/eventually.ts';
import { makeCore, type CoreOptions, type CoreRedis } from '../leases/core.ts';

export type RecoveryCore = ReturnType<typeof makeRecovery>;

/** An agent's recovery on a real Redis, not started: each look is asked for. */
export function makeRecovery(
  server: CoreRedis,
  options: CoreOptions & { runsHere?: (queue: string, jobId: string) => boolean } = {},
) {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  const core = makeCore(server, { logger, ...options });
  const { redis, keys, holder, registry } = core;
  const lost: LostRun[] = [];
  const dead: Holder[] = [];
  const recovery = new Recovery({
    ...{ config: core.config, redis, scripts: core.scripts, keys, clock: systemClock },
    ...{ logger, holder, registry, leases: core.leases, decisions: core.decisions },
    clients: core.clients,
    queueNames: () => core.queues.names(),
    runsHere: options.runsHere ?? (() => false),
    warmUp: () => undefined,
    onLost: (run) => void lost.push(run),
    onDead: (one) => void dead.push(one),
    onAgents: () => undefined,
  });
  return { ...core, recovery, lost, dead, lines };
}

/** Writes the entry that an agent had when it died, or has while it lives. */
export async function announce(
  core: Pick<RecoveryCore, 'redis' | 'keys'>,
  holder: Holder,
  workers: string[] = [],
): Promise<void> {
  const entry = JSON.stringify({ ...holder, workers, heartbeatMs: 1 });
  await core.redis.hset(core.keys.agents, holder.agentId, entry);
}

export interface HungJob {
  job: Job;
  worker: Worker;
  token: string;
  /** Ends the run as its worker would. */
  finish(): void;
}

/** A real BullMQ worker that has taken a job and is at work on it, until `finish`. */
export async function runJob(
  server: CoreRedis,
  queue: Queue,
  type: string,
  options: { name?: string; lockMs?: number; renews?: boolean; deduplicationId?: string } = {},
): Promise<HungJob> {
  const end = deferred<undefined>();
  const began = deferred<{ job: Job; token: string }>();
  const worker = new Worker(
    queue.name,
    async (job, token) => {
      began.resolve({ job, token: token ?? '' });
      await end.promise;
      return 'done';
    },
    {
      ...{ connection: server.client(), prefix: server.prefix },
      lockDuration: options.lockMs ?? 60_000,
      ...{ skipLockRenewal: options.renews !== true, skipStalledCheck: true },
      ...(options.name === undefined ? {} : { name: options.name }),
    },
  );
  worker.on('error', () => undefined);
  const { deduplicationId } = options;
  await queue.add(
    type,
    { n: 1 },
    deduplicationId === undefined ? {} : { deduplication: { id: deduplicationId } },
  );
  const { job, token } = await began.promise;
  return { job, worker, token, finish: () => end.resolve(undefined) };
}

/** Sets the clock of a job back: it has run for so long. */
export async function age(core: Pick<RecoveryCore, 'redis' | 'keys'>, job: Job, ms: number) {
  const key = core.keys.job(job.queueName, job.id ?? '');
  const then = Date.now() - ms;
  await core.redis.hset(key, 'timestamp', then, 'processedOn', then);
}

/** Looks until the agents that died are noticed, and their handler processes have had their time. */
export async function lookUntilTaken(core: RecoveryCore, count = 1): Promise<void> {
  await core.recovery.peers.refresh();
  await eventually(`${count} taken over`, async () => {
    await core.recovery.takeover.look();
    return core.lost.length >= count;
  });
}
