import { existsSync } from 'node:fs';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { within } from '../common/within.ts';
import type { Config } from '../config/schema.ts';
import { agentRows } from '../feed/agentRows.ts';
import { QueueSet } from '../jobs/queueSet.ts';
import { RedisLeases } from '../leases/redisLeases.ts';
import { RedisConnections } from '../redis/connections.ts';
import { Keys } from '../redis/keys.ts';
import { privateSocketPath } from '../redis/privateServer.ts';
import { mastersOf, type RedisClient } from '../redis/redisClient.ts';
import { findRedisServer, installCommand } from '../redis/redisServerBinary.ts';
import { Scripts } from '../redis/scripts.ts';
import { chooseRedisTarget, describeTarget, type RedisTarget } from '../redis/target.ts';
import { readOutsideSchedules } from '../schedules/outsideSchedules.ts';
import { AgentRegistry } from '../state/agentRegistry.ts';
import { currentHolder } from '../state/processIdentity.ts';
import type { DoctorFacts, QueueFacts, RedisServerFacts } from './facts.ts';
import { troubleOf, type DoctorOptions } from './gatherFacts.ts';
import { gatherStuckJobs } from './gatherJobFacts.ts';

type RedisPart = Pick<DoctorFacts, 'redis' | 'schedulerLocks' | 'queues' | 'stuckJobs' | 'peers'>;

/** To find queues is to look through all keys. Those that are found by then are looked at. */
const FIND_QUEUES_MS = 3_000;

const NOTHING_KNOWN = { schedulerLocks: null, queues: null, stuckJobs: null, peers: null } as const;

/** Looks at the Redis that an agent of this workspace would use. */
export async function gatherRedisFacts(options: DoctorOptions, config: Config): Promise<RedisPart> {
  const target = chooseRedisTarget({
    flag: options.redisUrl,
    env: undefined,
    config: config.redis,
    privateSocketPath: privateSocketPath(options.stateFolder),
  });
  if (target.kind === 'private' && !existsSync(target.socketPath)) return privateAtRest(options);
  let connections: RedisConnections;
  try {
    connections = await RedisConnections.open(target, 'interlock-doctor');
  } catch (thrown) {
    // A socket file that nobody answers at is a leftover of a server that was killed.
    if (target.kind === 'private') return privateAtRest(options);
    const redis = { state: 'unreachable', trouble: troubleOf(thrown) } as const;
    return { redis: { ...redis, address: describeTarget(target) }, ...NOTHING_KNOWN };
  }
  try {
    return await lookInside(connections.commands, target, options, config);
  } catch (thrown) {
    const redis = { state: 'unreachable', trouble: troubleOf(thrown) } as const;
    return { redis: { ...redis, address: describeTarget(target) }, ...NOTHING_KNOWN };
  } finally {
    connections.close();
  }
}

function privateAtRest({ env }: DoctorOptions): RedisPart {
  const program = findRedisServer(env);
  if (program === undefined) {
    const redis = { state: 'missing', installCommand: installCommand(process.platform) } as const;
    return { redis, ...NOTHING_KNOWN };
  }
  return { redis: { state: 'on_demand', program }, ...NOTHING_KNOWN };
}

async function lookInside(
  redis: RedisClient,
  target: RedisTarget,
  { clock }: DoctorOptions,
  config: Config,
): Promise<RedisPart> {
  const keys = new Keys(config.redis.prefix);
  const scripts = new Scripts(redis);
  const holder = currentHolder('doctor', 'doctor');
  const leases = new RedisLeases({ redis, keys, clock, scripts, holder });
  const registry = new AgentRegistry(redis, keys.agents, holder, clock);
  const set = new QueueSet(redis, config);
  const declared = new Set(set.names());
  await within(clock, FIND_QUEUES_MS, set.discover());
  const names = set.names();
  const [server, locks, entries, stuckJobs, queues] = await Promise.all([
    lookAtServers(redis),
    leases.list(),
    registry.list(),
    gatherStuckJobs({ redis, scripts, keys, clock, config }, names),
    Promise.all(
      names.map(async (name) => {
        const facts = await lookAtQueue({ scripts, keys }, set.get(name));
        return { ...facts, declared: declared.has(name) };
      }),
    ),
  ]);
  return {
    redis: { state: 'connected', kind: target.kind, address: describeTarget(target), server },
    schedulerLocks: locks.filter((lock) => lock.kind === 'scheduler'),
    ...{ queues, stuckJobs },
    peers: agentRows(entries, [], '', clock.now()).map(({ role, host, pid, state }) => ({
      ...{ role, host, pid, state: state === 'self' ? 'alive' : state },
    })),
  };
}

/** Of a Cluster: what is worst of its masters, because each may be the one that counts tomorrow. */
async function lookAtServers(redis: RedisClient): Promise<RedisServerFacts> {
  const servers = await Promise.all((await mastersOf(redis)).map(lookAtServer));
  return servers.reduce((worst, one) => ({
    version: olderOf(worst.version, one.version),
    maxMemoryBytes: Math.max(worst.maxMemoryBytes, one.maxMemoryBytes),
    maxMemoryPolicy:
      worst.maxMemoryPolicy === 'noeviction' ? one.maxMemoryPolicy : worst.maxMemoryPolicy,
    appendOnly: worst.appendOnly && one.appendOnly,
    appendOnlyHealthy: worst.appendOnlyHealthy && one.appendOnlyHealthy,
    isReplica: worst.isReplica || one.isReplica,
    snapshotHealthy: worst.snapshotHealthy && one.snapshotHealthy,
    save: worst.save === '' ? '' : one.save,
  }));
}

function olderOf(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return one.localeCompare(other, 'en', { numeric: true }) <= 0 ? one : other;
}

async function lookAtServer(redis: Redis): Promise<RedisServerFacts> {
  const info = await redis.info();
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
  return {
    version: field('valkey_version') ?? field('redis_version') ?? null,
    maxMemoryBytes: Number(field('maxmemory') ?? 0),
    maxMemoryPolicy: field('maxmemory_policy') ?? null,
    appendOnly: field('aof_enabled') === '1',
    appendOnlyHealthy: field('aof_enabled') !== '1' || field('aof_last_write_status') === 'ok',
    isReplica: field('role') === 'slave',
    snapshotHealthy: field('rdb_last_bgsave_status') !== 'err',
    save: await readSaveRule(redis),
  };
}

/** Hosted servers forbid CONFIG. */
async function readSaveRule(redis: Redis): Promise<string | null> {
  try {
    const answer: unknown = await redis.config('GET', 'save');
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
  } catch {
    return null;
  }
}

async function lookAtQueue(
  { scripts, keys }: { scripts: Scripts; keys: Keys },
  queue: Queue,
): Promise<Omit<QueueFacts, 'declared'>> {
  const { name } = queue;
  const [counts, paused, outside] = await Promise.all([
    queue.getJobCounts('waiting', 'active', 'prioritized', 'failed'),
    queue.isPaused(),
    readOutsideSchedules({ scripts, keys, queueNames: [name] }),
  ]);
  const { waiting = 0, active = 0, prioritized = 0, failed = 0 } = counts;
  return {
    name,
    ...{ failed, paused },
    pending: waiting + active + prioritized,
    workers: await countWorkers(queue),
    stuckSchedules: outside.flatMap((row) => (row.outside?.state === 'stuck' ? [row.name] : [])),
  };
}

async function countWorkers(queue: Queue): Promise<number | null> {
  try {
    return await queue.getWorkersCount();
  } catch {
    return null;
  }
}
