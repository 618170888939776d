import type { JsonValue } from './common/json.ts';
import { coreServices, type CoreServices, type ServiceSetOptions } from './compose/coreServices.ts';
import { debugService } from './compose/debugServices.ts';
import { followEvents } from './compose/followEvents.ts';
import { recovery } from './compose/recoveryServices.ts';
import { streamRowsOf, streamService } from './compose/streamServices.ts';
import { startWorkers } from './compose/workerServices.ts';
import { USUAL_FINISH_RUNS_MS } from './config/schema.ts';
import type { DebugService } from './debugging/debugService.ts';
import { agentRows } from './feed/agentRows.ts';
import { StateFeed } from './feed/stateFeed.ts';
import { runningRow } from './history/runningRow.ts';
import { scheduleOfJobId } from './jobs/jobId.ts';
import { payloadTextProblems } from './jobs/payloadText.ts';
import type { WorkerPool } from './jobs/workerPool.ts';
import type { Requests } from './protocol/api.ts';
import type { DebugRow } from './protocol/debug.ts';
import type { ParamsOf } from './protocol/define.ts';
import type {
  AgeAlert,
  AgentRow,
  AgentStatus,
  MetricsStatus,
  RunRow,
  ScheduleRow,
  StreamRow,
} from './protocol/model.ts';
import type { Duty } from './protocol/role.ts';
import type { Recovery } from './reaper/recovery.ts';
import { redisNowMs } from './redis/redisNow.ts';
import { watchForSilence } from './redis/redisSilence.ts';
import { Releasers } from './releasers.ts';
import type { AgentServices } from './rpc/handlers.ts';
import { readOutsideSchedules } from './schedules/outsideSchedules.ts';
import { Scheduler } from './schedules/scheduler.ts';
import { simulateDuplicates } from './simulate/duplicates.ts';
import { simulateStory } from './simulate/stories/simulateStory.ts';
import { roleForbids } from './state/roleForbids.ts';
import { HAND_STREAMS_OVER_MS } from './stopBound.ts';
import type { StreamService } from './streams/pool/streamService.ts';

export type { ServiceSetOptions } from './compose/coreServices.ts';

/** What runs are given to end when they are told to. */
const STOP_RUNS_MS = 1_000;
/** Redis is not asked to move streams when it has not answered for that long. */
const REDIS_SILENT_MS = 900;
const FLUSH_STREAMS_MS = 350;

/** Runs that are counted for their agents. */
const MOST_RUNS = 10_000;

/** Who can hold something looks after what the dead held. */
const RECOVERING: readonly Duty[] = ['streams', 'runs', 'schedules'];

/** The services of an agent, as its role has them, wired together. The only place that makes them. */
export class ServiceSet {
  private readonly releasers: Releasers;
  private readonly core: CoreServices;
  /** Every role reads its rows; only one that schedules starts it. */
  private readonly scheduler: Scheduler;
  private readonly streams: StreamService | undefined;
  private readonly streamRows: () => Promise<StreamRow[]>;
  private readonly recovery: Recovery | undefined;
  private readonly debugging: DebugService | undefined;
  private readonly feed: StateFeed;
  private workers: WorkerPool | undefined;

  constructor(private readonly options: ServiceSetOptions) {
    const { config, holder, clock, logger } = options;
    this.releasers = new Releasers(logger);
    const core = coreServices(options, (type, data) => this.customKey(type, data));
    this.core = core;
    const { redis, scripts, keys, leases, decisions } = core;
    this.scheduler = new Scheduler({
      ...{ config, redis, scripts, keys, leases, enqueuing: core.enqueuer },
      ...{ decisions, clock, logger, holder },
    });
    this.streams = this.has('streams') ? streamService(options, core) : undefined;
    this.streamRows = streamRowsOf(this.streams, options, core);
    this.recovery = this.has(...RECOVERING)
      ? recovery(
          options,
          core,
          () => this.workers,
          () => this.leasesChanged(),
        )
      : undefined;
    this.debugging = this.has('runs') ? debugService(options, core, () => this.workers) : undefined;
    this.feed = new StateFeed({
      ...{ store: core.store, reader: core.reader, locks: core.locks, clock, logger, decisions },
      queueNames: () => core.queues.names(),
      scheduleRows: () => this.scheduleRows(),
      leaderRows: () => this.scheduler.leaderRows(),
      streamRows: this.streamRows,
      debugRows: () => this.debugRows(),
    });
  }

  get store(): CoreServices['store'] {
    return this.core.store;
  }

  /** Runs and locks that are over a threshold of age, the oldest first. */
  get alerts(): AgeAlert[] {
    return this.core.ages.alerts;
  }

  /** undefined: they are off. */
  get metrics(): MetricsStatus | undefined {
    return this.core.monitoring.status;
  }

  get totals(): AgentStatus['totals'] {
    return this.feed.totals;
  }

  get runsInProgress(): number {
    return this.workers?.runsInProgress ?? 0;
  }

  /** Process ids of the handler processes that live. */
  processIds(): number[] {
    return this.workers?.processIds() ?? [];
  }

  async start(): Promise<void> {
    const { releasers, core, recovery: recovering, streams } = this;
    releasers.add('state', () => core.store.close());
    releasers.add('history', () => core.history.flush());
    await core.registry.start();
    releasers.add('registry', () => core.registry.close());
    this.follow();
    if (this.has('runs')) await this.startWorkers();
    if (recovering !== undefined) {
      recovering.start();
      releasers.add('recovery', () => recovering.close());
    }
    await this.startMonitoring();
    core.ages.start();
    releasers.add('ages', () => core.ages.close());
    if (this.has('schedules')) this.scheduler.start();
    releasers.add('scheduler', () => this.scheduler.close());
    if (streams !== undefined) {
      await streams.open();
      releasers.add('streams', () => this.closeStreams(streams));
    }
  }

  close(): Promise<void> {
    return this.releasers.releaseAll();
  }

  /** What clients may use. The agent adds what concerns itself. */
  offered(): Omit<
    AgentServices,
    'token' | 'status' | 'requestStop' | 'stopWithinMs' | 'clientsChanged' | 'readLog'
  > {
    const { config, connections, clock, random } = this.options;
    const { store, queues, reader, actions, drain, decisions, ages, enqueuer, locks } = this.core;
    return {
      ...{ store, queues, reader, actions, drain, decisions, ages, enqueuing: enqueuer },
      ...{ feed: this.feed, scheduler: this.scheduler, streams: this.streams },
      ...{ streamRows: this.streamRows, recovery: this.recovery, debugging: this.debugging },
      ...{ scheduleRows: () => this.scheduleRows(), debugRows: () => this.debugRows() },
      payloadProblems: (type, text) => payloadTextProblems(config, type, text),
      locks: ({ limit, offset, ...filter }) => locks.list(filter, limit, offset),
      releaseLock: (params) => locks.release(params).finally(() => this.feed.locksChanged()),
      agents: () => this.core.registry.list(),
      agentRows: () => this.agentRows(),
      history: (params) => this.runs(params),
      simulateStory: (params, onEvent, signal) =>
        simulateStory(params, {
          ...{ target: connections.target, config, clock, random, onEvent, signal },
        }),
      simulateDuplicates: (params, onProgress, signal) =>
        simulateDuplicates(params, {
          ...{ target: connections.target, config, clock, random, onProgress, signal },
        }),
    };
  }

  private closeStreams(streams: StreamService): Promise<void> {
    const { core, options } = this;
    const silence = watchForSilence(core.redis, options.clock, REDIS_SILENT_MS);
    const bounds = { handOverMs: HAND_STREAMS_OVER_MS, flushMs: FLUSH_STREAMS_MS };
    return streams.close({ ...bounds, silence: silence.signal }).finally(() => silence.end());
  }

  private has(...duties: Duty[]): boolean {
    return duties.some((duty) => this.options.role.duties.has(duty));
  }

  private async startWorkers(): Promise<void> {
    const { options, core } = this;
    const workers = startWorkers(options, core, this.debugging?.giveToDebugger);
    this.workers = workers;
    this.releasers.add('workers', () => {
      // A Redis that is away takes no result: then it is not waited for longer than usual.
      const silence = watchForSilence(core.redis, options.clock, USUAL_FINISH_RUNS_MS);
      const { finishRuns } = options.config.shutdown;
      return workers.close(finishRuns, STOP_RUNS_MS, silence.signal).finally(() => silence.end());
    });
    // Before the workers: those wait for runs that stand still.
    this.releasers.add('debugging', () => this.debugging?.close());
    await core.registry.announce({ workers: workers.workerIds() });
  }

  private follow(): void {
    const end = followEvents(this.options, this.core, {
      feed: this.feed,
      onQueueEvents: (queue, entries) => this.recovery?.stalls.told(queue, entries),
      onLeasesChanged: () => this.leasesChanged(),
      onStreamAsk: () => this.streams?.wake(),
    });
    this.releasers.add('feed', end);
  }

  /** A holder is gone or has given a lease back: those who wait look at once. */
  private leasesChanged(): void {
    this.scheduler.wake();
    this.streams?.wake();
  }

  /** Only who runs handlers can ask one for a key: to load their code here would be to run it. */
  private async customKey(type: string, data: JsonValue): Promise<JsonValue> {
    if (this.has('runs')) return (await this.workers?.keyOf(type, data)) ?? null;
    const error = roleForbids({
      asked: `asking the handler of ${type} for its uniqueness key ("by": "function")`,
      ...{ role: this.options.role, duties: ['runs'] },
      agents: await this.core.registry.list().catch(() => []),
    });
    await this.core.decisions.record({
      ...{ action: 'enqueue', subject: type, key: null, outcome: 'refused', jobId: null },
      ...{ reason: 'role_forbids', survivor: null, holder: null, until: null },
      remedy: error.remedy ?? null,
    });
    throw error;
  }

  private async startMonitoring(): Promise<void> {
    const { connections, holder } = this.options;
    const { monitoring, reader, locks, registry, ages } = this.core;
    this.releasers.add('monitoring', () => monitoring.close());
    await monitoring.start(ages, {
      read: async () => {
        const [queues, lockRows, schedules, agents, streams] = await Promise.all([
          reader.queueRows(),
          locks.first(Infinity),
          this.scheduleRows(),
          registry.list(),
          this.streamRows(),
        ]);
        return { agentId: holder.agentId, queues, locks: lockRows, schedules, agents, streams };
      },
      runsInProgress: () => this.runsInProgress,
      alerts: () => ages.alerts,
      isRedisUp: () => connections.status().state === 'connected',
    });
  }

  /** Those of other programs first: with the same name the one of the config is the one that counts. */
  private async scheduleRows(): Promise<ScheduleRow[]> {
    const { scripts, keys, queues } = this.core;
    const queueNames = queues.names();
    const rows = [readOutsideSchedules({ scripts, keys, queueNames }), this.scheduler.rows()];
    return (await Promise.all(rows)).flat();
  }

  /** Runs under a debugger, here and elsewhere. */
  private async debugRows(): Promise<DebugRow[]> {
    const { debugs, registry } = this.core;
    // Who recovers reads the registry each second by itself.
    if (this.recovery === undefined) debugs.update(await registry.list());
    return debugs.rows();
  }

  /** Every agent of this Redis, and what it holds. */
  private async agentRows(): Promise<AgentRow[]> {
    const { holder, clock } = this.options;
    const { registry, leases, locks } = this.core;
    const [entries, held, runs] = await Promise.all([
      registry.list(),
      leases.list(),
      locks.list({ kind: 'run' }, MOST_RUNS, 0),
    ]);
    return agentRows(entries, [...held, ...runs.rows], holder.agentId, clock.now());
  }

  private async runs(filter: ParamsOf<Requests['history']>) {
    const wantsRunning = filter.status === undefined || filter.status === 'running';
    return this.core.history.list(filter, wantsRunning ? await this.runningRuns() : []);
  }

  /** Every run that goes on, the oldest first. Who runs it and its fence are told by its lock. */
  private async runningRuns(): Promise<RunRow[]> {
    const active = await this.core.reader.activeSince(Infinity);
    const nowMs = await redisNowMs(this.core.redis);
    const lockOf = new Map(
      (await this.core.locks.ofRuns(active)).map((lock) => [
        `${lock.job?.queue}/${lock.job?.id}`,
        lock,
      ]),
    );
    return active.flatMap((job) => {
      const lock = lockOf.get(`${job.queue}/${job.id}`);
      const schedule = scheduleOfJobId(job.id);
      const facts = { worker: lock?.holder ?? null, fence: lock?.fence ?? null, schedule, nowMs };
      return runningRow(job, facts) ?? [];
    });
  }
}
