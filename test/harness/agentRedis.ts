import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Decision, Holder } from '../../agent/protocol/decision.ts';
import { Keys } from '../../agent/redis/keys.ts';
import { currentHostId, processStartOf } from '../../agent/state/processIdentity.ts';

const TTL_MS = 90_000;
/** Of a run's lock: what is left of 5 s right after a renewal. */
const RUN_TTL_MS = 4_800;
/** The agent removes what belongs to nobody: what is to be seen is written again that often. */
const KEEP_EVERY_MS = 100;

/** A run of which the agent under test knows only what stands in Redis. */
export interface ForeignRun {
  queue: string;
  id: string;
  type: string;
  /** BullMQ's deduplication id. */
  key: string;
  holder: Holder;
  runningForMs: number;
  fence: number;
}

/** The Redis of an agent: tests write into it what other processes would. */
export class AgentRedis {
  readonly keys = new Keys('bull');
  private readonly kept: { stopped: boolean; ended: Promise<void> }[] = [];

  private readonly fences = new Map<string, number>();

  private constructor(readonly redis: Redis) {}

  /** @param address the socket of the agent's private Redis, as its status tells it */
  static open(address: string): AgentRedis {
    return new AgentRedis(new Redis({ path: address }));
  }

  /** Writes again and again, until `release()` or `close()`. */
  async keep(write: () => Promise<unknown>): Promise<{ release(): Promise<void> }> {
    await write();
    const one = { stopped: false, ended: Promise.resolve() };
    const loop = async () => {
      while (!one.stopped) {
        await write();
        await delay(KEEP_EVERY_MS);
      }
    };
    one.ended = loop();
    this.kept.push(one);
    const release = () => {
      one.stopped = true;
      return one.ended;
    };
    return { release };
  }

  /** A lease as `acquireLease.lua` writes it. */
  async lease(name: string, holder: Holder, heldForMs: number): Promise<void> {
    const now = Date.now();
    const fields = {
      ...{ name, kind: 'stream', subject: name.replace('stream:', ''), token: `token-${name}` },
      ...{ holder: JSON.stringify(holder), ttl: TTL_MS, fence: this.fenceOf(name, now) },
      ...{ acquiredAt: now - heldForMs, renewedAt: now },
    };
    await this.redis
      .multi()
      .hsetnx(this.keys.lease(name), 'name', name)
      .hset(this.keys.lease(name), fields)
      .pexpire(this.keys.lease(name), TTL_MS)
      .sadd(this.keys.leaseIndex, name)
      .exec();
  }

  /** Written again, a lease is still the same holding. */
  private fenceOf(name: string, next: number): number {
    const fence = this.fences.get(name) ?? next;
    this.fences.set(name, fence);
    return fence;
  }

  /** A run of a job by another agent, as BullMQ and that agent write it. */
  async run(run: ForeignRun): Promise<void> {
    const { redis, keys } = this;
    const { queue, id, type, key, holder } = run;
    const now = Date.now();
    const times = { timestamp: now - run.runningForMs, processedOn: now - run.runningForMs };
    const job = { name: type, data: '{}', opts: '{}', pb: holder.agentId, ats: 1, deid: key };
    await redis
      .multi()
      .hset(keys.agents, holder.agentId, JSON.stringify({ ...holder, heartbeatMs: now }))
      .hset(keys.job(queue, id), { ...job, ...times })
      .set(keys.jobLock(queue, id), `${holder.agentId}:0`, 'PX', RUN_TTL_MS)
      .hset(keys.running(type), key, `${run.fence} ${id}`)
      .lrem(keys.queue(queue, 'active'), 0, id)
      .lpush(keys.queue(queue, 'active'), id)
      .exec();
  }

  /** Takes away what `run` wrote. */
  async endRun({ queue, id, type, key, holder }: ForeignRun): Promise<void> {
    const { redis, keys } = this;
    await redis
      .multi()
      .lrem(keys.queue(queue, 'active'), 0, id)
      .del(keys.job(queue, id), keys.jobLock(queue, id))
      .hdel(keys.running(type), key)
      .hdel(keys.agents, holder.agentId)
      .exec();
  }

  async decisions(count: number, of: (index: number) => Partial<Decision>): Promise<void> {
    const pipeline = this.redis.pipeline();
    for (let index = 0; index < count; index++) {
      const decision = {
        ...{ at: new Date().toISOString(), action: 'enqueue', subject: 'wait', key: 'x' },
        ...{ outcome: 'accepted', reason: 'within_limits', jobId: `${index}`, survivor: null },
        ...{ holder: null, until: null, remedy: null, counts: null },
        ...of(index),
      };
      pipeline.xadd(this.keys.decisions, '*', 'decision', JSON.stringify(decision));
    }
    await pipeline.exec();
  }

  async stopKeeping(): Promise<void> {
    for (const one of this.kept) one.stopped = true;
    await Promise.all(this.kept.map(({ ended }) => ended));
  }

  async close(): Promise<void> {
    await this.stopKeeping();
    this.redis.disconnect();
  }
}

/** A process of this host that has ended. */
export function deadHolder(): Holder {
  const { pid } = spawnSync('true');
  return { ...holderOf(pid), processStart: '1', alive: false };
}

/** A process that only lives, and does so until it is killed. */
export function idleProcess(agentId: string): { holder: Holder; process: ChildProcess } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  if (child.pid === undefined) throw new Error('sleep could not be started');
  return { holder: { ...holderOf(child.pid), agentId, alive: true }, process: child };
}

/** A process that is stopped, as by a debugger or by SIGSTOP. */
export function stoppedProcess(agentId: string): { holder: Holder; process: ChildProcess } {
  const idle = idleProcess(agentId);
  idle.process.kill('SIGSTOP');
  return idle;
}

function holderOf(pid: number): Holder {
  return {
    ...{ host: hostname(), hostId: currentHostId(), pid, role: 'worker', agentId: 'other-agent' },
    processStart: processStartOf(pid),
    alive: null,
  };
}
