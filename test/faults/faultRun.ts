import { appendFileSync, existsSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../agent/common/errors.ts';
import { requests } from '../../agent/protocol/api.ts';
import { Keys } from '../../agent/redis/keys.ts';
import { eventually } from '../harness/eventually.ts';
import type { TestWorkspace } from '../harness/workspace.ts';
import { copyBuild } from './brokenBuild.ts';
import { check, checkSnapshot } from './check.ts';
import { EnqueueLoad } from './enqueueLoad.ts';
import { answers, FaultAgent } from './faultAgent.ts';
import { FaultInjector } from './faultInjector.ts';
import type { FaultOptions } from './faultOptions.ts';
import { planRound } from './faultPlan.ts';
import type { FaultRecord, LiveJob, Violation } from './faultRecord.ts';
import { FaultRedis } from './faultRedis.ts';
import {
  agentEnvironment,
  AGENTS,
  CLOCK_AGENT,
  KEYS_IN_USE,
  makeFaultWorkspace,
  QUEUES,
  TYPE_RULES,
} from './faultWorkspace.ts';
import { jobStories, msOfEntry, unended } from './jobStories.ts';
import { machineSlowness } from './machineSlowness.ts';
import { RedisWatch } from './redisWatch.ts';
import { Resource } from './resource.ts';

/** After the last fault: agents start, leases end, retries are due. No job may take longer than that to end after the one before it. */
const SETTLE_DEADLINE_MS = 45_000;

/** Retries are due much sooner. */
const RETRIES_ARE_DUE_MS = 5_000;

/** Between rounds everything settles now and then, so that what is lost shows near its cause. */
const SETTLE_EVERY_ROUNDS = 40;

/** What was found while it ran, each once. */
class Seen {
  private readonly found = new Map<string, Violation>();

  get violations(): Violation[] {
    return [...this.found.values()];
  }

  add(violations: Violation[]): void {
    for (const one of violations) this.found.set(`${one.rule} ${one.subject}`, one);
  }

  note(rule: Violation['rule'], subject: string, what: string): void {
    this.add([{ rule, subject, what, excerpt: [] }]);
  }
}

/** One run of the fault runner, from the first process to the last. */
export class FaultRun {
  rounds = 0;
  /** Retries that a moved clock had put off. */
  putOff = 0;
  private readonly startedAt = performance.now();
  private calmSinceMs = 0;

  private constructor(
    private readonly options: FaultOptions,
    /** How much longer everything takes than usual: rounds, leases and deadlines are as much longer. */
    readonly slowness: number,
    private readonly workspace: TestWorkspace,
    readonly resource: Resource,
    readonly redis: FaultRedis,
    private readonly agents: FaultAgent[],
    readonly faults: FaultInjector,
    readonly load: EnqueueLoad,
    readonly watch: RedisWatch,
    private readonly seen: Seen,
  ) {}

  /** Starts everything; `main` gets the folder in which it lies. */
  static async start(given: FaultOptions): Promise<FaultRun> {
    const slowness = await machineSlowness(path.join(given.dist, 'agent.js'));
    const options = {
      ...given,
      roundMs: Math.round(given.roundMs * slowness),
      leaseTtlMs: Math.round(given.leaseTtlMs * slowness),
    };
    const workspace = makeFaultWorkspace(options.leaseTtlMs);
    const folder = path.dirname(workspace.folder);
    const dist = path.join(folder, 'dist');
    copyBuild(options.dist, dist, options.broken);
    const resource = await Resource.start(options.broken !== 'resource');
    const redis = await FaultRedis.start(AGENTS.length);
    const clockFile = path.join(folder, 'clock');
    const log = logTo(path.join(folder, 'faults.log'));
    const seen = new Seen();
    const agents = AGENTS.map(
      ({ name, hostId }, i) =>
        new FaultAgent({
          ...{ name, program: path.join(dist, 'agent.js'), workspace: workspace.folder },
          stateFolder: path.join(folder, name),
          env: agentEnvironment({
            ...{ redisUrl: redis.urlOf(i), hostId, resourcePort: resource.port },
            clockFile: i === CLOCK_AGENT ? clockFile : undefined,
          }),
          onUnexpectedEnd: (how) => seen.note('agent_ended', name, `${name} ${how}`),
        }),
    );
    const faults = new FaultInjector({ agents, redis, clockFile, log });
    const watch = new RedisWatch({
      ...{ redis: redis.server.client(), keys: new Keys('bull'), queues: QUEUES },
      onSnapshot: (jobs: LiveJob[]) => seen.add(checkSnapshot(jobs, TYPE_RULES)),
    });
    const load = new EnqueueLoad(agents);
    await Promise.all(agents.map((agent) => agent.start()));
    const parts = [workspace, resource, redis, agents, faults, load, watch, seen] as const;
    const run = new FaultRun(options, slowness, ...parts);
    await run.allAnswer();
    watch.start();
    return run;
  }

  /** Everything of the run lies here, and its processes carry it in their environment. */
  get folder(): string {
    return path.dirname(this.workspace.folder);
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  get starts(): number {
    return this.agents.reduce((sum, agent) => sum + agent.starts, 0);
  }

  get isOver(): boolean {
    return this.rounds >= this.options.rounds || this.elapsedMs >= this.options.forMs;
  }

  /** Faults and load of one round. What lasts longer goes on in the next. */
  async round(): Promise<void> {
    this.rounds += 1;
    const { seed, roundMs, leaseTtlMs } = this.options;
    const plan = planRound(seed, this.rounds, {
      ...{ agents: AGENTS.length, clockAgent: CLOCK_AGENT, keys: KEYS_IN_USE, roundMs, leaseTtlMs },
    });
    const steps = [
      ...plan.faults.map((fault) => ({ atMs: fault.atMs, act: () => this.faults.start(fault) })),
      ...plan.enqueues.map((one) => ({ atMs: one.atMs, act: () => this.load.start(one) })),
    ].sort((a, b) => a.atMs - b.atMs);
    const startedAt = performance.now();
    for (const { atMs, act } of [...steps, { atMs: roundMs, act: () => undefined }]) {
      await delay(Math.max(0, startedAt + atMs - performance.now()));
      act();
    }
    if (this.rounds % SETTLE_EVERY_ROUNDS === 0) await this.settle();
  }

  /** Ends all faults and waits until every job that was accepted until now has ended. */
  async settle(): Promise<void> {
    await this.faults.heal();
    await this.allAnswer();
    await this.load.answered();
    this.calmSinceMs = await this.watch.nowMs();
    await this.jobsEnd();
    const options = { deadlineMs: SETTLE_DEADLINE_MS * this.slowness, everyMs: 100 };
    await eventually('the schedule to go on', () => this.isScheduleAlive(), options).catch(() => {
      this.note('schedule_stopped', 'tick', 'enqueued no slot after the faults had stopped');
    });
  }

  /** What is missing then is in the record: the check tells it, with all that is known of it. */
  private async jobsEnd(): Promise<void> {
    const open = () =>
      unended(jobStories({ events: this.watch.events, effects: [] }).values(), this.calmSinceMs)
        .length;
    const startedAt = performance.now();
    let left = open();
    let progressAt = startedAt;
    let hasPromoted = false;
    while (left > 0 && performance.now() - progressAt < SETTLE_DEADLINE_MS * this.slowness) {
      if (!hasPromoted && performance.now() - startedAt > RETRIES_ARE_DUE_MS * this.slowness) {
        hasPromoted = true;
        await this.promotePutOff();
      }
      await delay(100);
      const now = open();
      if (now < left) progressAt = performance.now();
      left = now;
    }
  }

  private isScheduleAlive(): boolean {
    return this.watch.events.some(
      ({ event, jobId, id }) =>
        event === 'added' && jobId.startsWith('slot-') && msOfEntry(id) > this.calmSinceMs,
    );
  }

  /**
   * BullMQ counts the delay of a retry from the clock of the worker where the job failed. What failed
   * under a clock that was ahead waits until then: it is late, not lost. A person would promote it.
   */
  private async promotePutOff(): Promise<void> {
    const client = this.agents[0]?.client;
    if (client === undefined) return;
    const lateMs = (await this.watch.nowMs()) + RETRIES_ARE_DUE_MS;
    const rows = await client.request(requests.jobs, { state: 'delayed', limit: 1_000 });
    const late = rows.filter(({ dueAt }) => dueAt !== null && Date.parse(dueAt) > lateMs);
    this.putOff += late.length;
    const jobs = late.map(({ id, queue }) => ({ id, queue }));
    if (jobs.length > 0) await client.request(requests.promote, { jobs });
  }

  /** Stops all agents and reads the rest of what they wrote. */
  async stop(): Promise<void> {
    await this.faults.heal();
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await this.watch.close();
    await this.redis.stop();
    await this.resource.close();
  }

  record(): FaultRecord {
    const { events, decisions } = this.watch;
    return {
      ...{ rules: TYPE_RULES, effects: this.resource.effects, enqueues: this.load.entries },
      ...{ events, decisions, calmSinceMs: this.calmSinceMs, seen: this.seen.violations },
    };
  }

  violations(): Violation[] {
    return check(this.record());
  }

  note(rule: Violation['rule'], subject: string, what: string): void {
    this.seen.note(rule, subject, what);
  }

  removeFolder(): void {
    if (existsSync(this.folder)) this.workspace.remove();
  }

  private async allAnswer(): Promise<void> {
    for (const agent of this.agents) {
      await eventually(`${agent.name} to answer`, () => answers(agent), {
        deadlineMs: SETTLE_DEADLINE_MS,
        everyMs: 50,
      }).catch((error: unknown) => this.note('agent_silent', agent.name, messageOf(error)));
    }
  }
}

function logTo(file: string): (line: string) => void {
  return (line) => appendFileSync(file, `${performance.now().toFixed(0)} ms  ${line}\n`);
}
