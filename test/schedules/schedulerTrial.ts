import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { parseEntry } from '../../agent/decisions/decisionEntry.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import { Keys } from '../../agent/redis/keys.ts';
import type { RedisClient } from '../../agent/redis/redisClient.ts';
import { redisNowMs } from '../../agent/redis/redisNow.ts';
import { SCHEDULER_LOCK } from '../../agent/schedules/schedulerLock.ts';
import { readHolder } from '../../agent/state/readHolder.ts';
import { AgentProcess } from '../harness/agentProcess.ts';
import { eventually } from '../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../harness/testRedis.ts';
import { makeWorkspace, type TestWorkspace } from '../harness/workspace.ts';
import { accountSlots, type PassedRange } from './accountSlots.ts';

const AGENTS = 3;
const EVERY_MS = 1_000;
/** The end of a frozen leader's lock. */
const LOCK_TTL_MS = 2_000;
/** After the successor has the lock the frozen one wakes up and goes on where it was. */
const STAYS_FROZEN_MS = 300;
const TAKEOVER_DEADLINE_MS = 30_000;
const TAIL_EVERY_MS = 500;
const QUEUE = 'kept';
const POLICIES = ['skip', 'run-once', 'catch-up'] as const;

export interface TrialOptions {
  schedules: number;
  forMs: number;
  kills: number;
  freezes: number;
  say: (line: string) => void;
}

export interface TrialResult {
  slots: number;
  enqueued: number;
  /** Accounted for by the policy. */
  passed: Record<(typeof POLICIES)[number], number>;
  kills: number;
  freezes: number;
  /** From the fault to the next holder of the lock, sorted. */
  afterKillMs: number[];
  afterFreezeMs: number[];
  faults: string[];
}

const entries = z.array(z.tuple([z.string(), z.array(z.string())]));

/**
 * Three agents that schedule, in one Redis, whose leader is killed and frozen again and again. In the
 * end each slot must be one job, or accounted for by its policy. The queue is paused: what is enqueued
 * stays where it can be counted.
 */
export class SchedulerTrial {
  private readonly keys: Keys;
  private readonly agents = new Map<string, AgentProcess>();
  private readonly decisions: Decision[] = [];
  private readonly restarts: Promise<void>[] = [];
  private readonly result: TrialResult = {
    ...{ slots: 0, enqueued: 0, passed: { skip: 0, 'run-once': 0, 'catch-up': 0 } },
    ...{ kills: 0, freezes: 0, afterKillMs: [], afterFreezeMs: [], faults: [] },
  };
  private tailed = '-';
  private over = false;

  private constructor(
    private readonly options: TrialOptions,
    private readonly redis: TestRedis,
    private readonly client: RedisClient,
    private readonly workspace: TestWorkspace,
  ) {
    this.keys = new Keys(redis.prefix);
  }

  /** Plays it, and leaves nothing behind. */
  static async play(options: TrialOptions): Promise<TrialResult> {
    const redis = await startTestRedis();
    const workspace = makeTrialWorkspace(options, redis);
    const trial = new SchedulerTrial(options, redis, redis.client(), workspace);
    try {
      await trial.begin();
      await trial.disturb();
      return await trial.judge();
    } finally {
      await trial.end();
    }
  }

  private async begin(): Promise<void> {
    const queue = new Queue(QUEUE, { connection: this.client, prefix: this.redis.prefix });
    await queue.pause();
    await queue.close();
    for (let index = 0; index < AGENTS; index += 1) await this.startAgent(`s${index}`);
    await eventually('a leader', () => this.leader(), { deadlineMs: TAKEOVER_DEADLINE_MS });
    void this.tail();
  }

  /** Faults come at equal distances, a freeze after each two kills as long as there are both. */
  private async disturb(): Promise<void> {
    const { kills, freezes, forMs, say } = this.options;
    const startedAt = performance.now();
    const total = kills + freezes;
    for (let index = 0; index < total; index += 1) {
      const dueMs = (forMs * (index + 0.5)) / total;
      await delay(Math.max(0, dueMs - (performance.now() - startedAt)));
      const share = (freezes * (index + 1)) / total;
      if (this.result.freezes + 1 <= share) await this.freezeLeader();
      else await this.killLeader();
      say(
        `${((performance.now() - startedAt) / 1_000).toFixed(0)} s: ${this.result.kills} kills, ${this.result.freezes} freezes`,
      );
    }
    await delay(Math.max(0, forMs - (performance.now() - startedAt)));
    await Promise.all(this.restarts);
  }

  private async killLeader(): Promise<void> {
    const { name, agent, fence } = await this.requireLeader();
    const tookMs = await this.takeover(fence, () => agent.kill());
    this.result.kills += 1;
    this.result.afterKillMs.push(tookMs);
    // Meanwhile the two others go on.
    this.restarts.push(this.startAgent(name));
  }

  private async freezeLeader(): Promise<void> {
    const { agent, fence } = await this.requireLeader();
    const tookMs = await this.takeover(fence, () => {
      process.kill(agent.pid, 'SIGSTOP');
    });
    this.result.freezes += 1;
    this.result.afterFreezeMs.push(tookMs);
    await delay(STAYS_FROZEN_MS);
    process.kill(agent.pid, 'SIGCONT');
  }

  /** @returns ms from the fault until another holds the lock */
  private async takeover(fence: string, fault: () => Promise<void> | void): Promise<number> {
    const from = performance.now();
    const done = fault();
    await eventually(
      'another leader',
      async () => {
        const now = await this.client.hget(this.keys.lease(SCHEDULER_LOCK), 'fence');
        return now !== null && now !== fence;
      },
      { deadlineMs: TAKEOVER_DEADLINE_MS, everyMs: 5 },
    );
    const tookMs = performance.now() - from;
    await done;
    return tookMs;
  }

  private async leader(): Promise<
    { name: string; agent: AgentProcess; fence: string } | undefined
  > {
    const lease = this.keys.lease(SCHEDULER_LOCK);
    const [text, fence] = await this.client.hmget(lease, 'holder', 'fence');
    const holder = typeof text === 'string' ? readHolder(text) : null;
    const found = [...this.agents].find(([, agent]) => agent.pid === holder?.pid);
    if (found === undefined || typeof fence !== 'string') return undefined;
    return { name: found[0], agent: found[1], fence };
  }

  private requireLeader() {
    return eventually('a leader', () => this.leader(), { deadlineMs: TAKEOVER_DEADLINE_MS });
  }

  private async startAgent(name: string): Promise<void> {
    const stateFolder = `${this.workspace.stateFolder}${name}`;
    this.agents.set(name, await AgentProcess.start(this.workspace, { stateFolder }));
  }

  /** The record is capped, so it is read while it grows. */
  private async tail(): Promise<void> {
    while (!this.over) {
      await this.readDecisions();
      await delay(TAIL_EVERY_MS);
    }
  }

  private async readDecisions(): Promise<void> {
    const raw = entries.parse(await this.client.xrange(this.keys.decisions, this.tailed, '+'));
    for (const [id, fields] of raw) {
      this.tailed = `(${id}`;
      const decision = parseEntry(id, fields);
      if (decision?.slots !== undefined) this.decisions.push(decision);
    }
  }

  private async judge(): Promise<TrialResult> {
    const { result } = this;
    const untilMs = Math.floor((await redisNowMs(this.client)) / EVERY_MS) * EVERY_MS;
    await eventually('every slot until now to be dealt with', () => this.isSettled(untilMs), {
      deadlineMs: TAKEOVER_DEADLINE_MS,
    });
    this.over = true;
    await this.readDecisions();
    const jobs = await this.jobsBySchedule();
    for (const name of scheduleNames(this.options)) {
      const record = { everyMs: EVERY_MS, jobs: jobs.get(name) ?? [], passed: this.passedOf(name) };
      const account = accountSlots(record, untilMs);
      const policy = policyOf(name);
      result.slots += account.enqueued + account.passed;
      result.enqueued += account.enqueued;
      result.passed[policy] += account.passed;
      result.faults.push(...account.faults.map((fault) => `${name}: ${fault}`));
      if (policy === 'catch-up' && account.passed > 0) {
        result.faults.push(`${name}: ${account.passed} slots were not caught up`);
      }
    }
    return result;
  }

  private async isSettled(untilMs: number): Promise<boolean> {
    const states = await Promise.all(
      scheduleNames(this.options).map((name) =>
        this.client.hmget(this.keys.schedule(name), 'slot', 'state'),
      ),
    );
    return states.every(([slot, state]) => Number(slot) >= untilMs && state === 'done');
  }

  private async jobsBySchedule(): Promise<Map<string, number[]>> {
    const jobs = new Map<string, number[]>();
    // The lists themselves: a job that was added twice would stand there twice.
    for (const list of ['wait', 'paused']) {
      for (const id of await this.client.lrange(this.keys.queue(QUEUE, list), 0, -1)) {
        const [, name = '', slot = ''] = /^slot-(.+)-(\d+)$/.exec(id) ?? [];
        jobs.set(name, [...(jobs.get(name) ?? []), Number(slot)]);
      }
    }
    return jobs;
  }

  private passedOf(name: string): PassedRange[] {
    return this.decisions.flatMap(({ subject, slots }) =>
      subject !== name || slots === undefined
        ? []
        : [{ fromMs: Date.parse(slots.from), toMs: Date.parse(slots.to), count: slots.count }],
    );
  }

  private async end(): Promise<void> {
    this.over = true;
    await Promise.allSettled(this.restarts);
    for (const agent of this.agents.values()) await agent.kill();
    await this.redis.stop();
    this.workspace.remove();
  }
}

function scheduleNames({ schedules }: TrialOptions): string[] {
  return Array.from({ length: schedules }, (_, index) => `${POLICIES[index % 3] ?? ''}${index}`);
}

function policyOf(name: string): (typeof POLICIES)[number] {
  return POLICIES.find((policy) => name.startsWith(policy)) ?? 'run-once';
}

function makeTrialWorkspace(options: TrialOptions, { url, prefix }: TestRedis): TestWorkspace {
  const schedules = Object.fromEntries(
    scheduleNames(options).map((name) => [
      name,
      { job: 'tick', every: EVERY_MS, missed: policyOf(name) },
    ]),
  );
  return makeWorkspace(
    {
      redis: { url, prefix },
      jobs: { tick: { handler: './tick.ts', queue: QUEUE, isolation: 'inline' } },
      ...{ schedules, scheduler: { lockTtl: LOCK_TTL_MS } },
    },
    { 'tick.ts': 'export default () => undefined;\n' },
  );
}
