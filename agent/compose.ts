import * as path from 'node:path';
import type { Clock } from './common/clock.ts';
import type { JsonValue } from './common/json.ts';
import type { Random } from './common/random.ts';
import { ageThresholdsOf } from './config/ageThresholds.ts';
import type { Config } from './config/schema.ts';
import { DecisionLog } from './decisions/decisionLog.ts';
import { AgeWatch } from './feed/ageWatch.ts';
import { EventTail } from './feed/eventTail.ts';
import { StateFeed } from './feed/stateFeed.ts';
import { StateStore } from './feed/stateStore.ts';
import { createRunner } from './handlers/createRunner.ts';
import { loadModule } from './handlers/loadModule.ts';
import { RunHistory } from './history/runHistory.ts';
import { runningRow } from './history/runningRow.ts';
import { Enqueuer } from './jobs/enqueuer.ts';
import { JobActions } from './jobs/jobActions.ts';
import { scheduleOfJobId } from './jobs/jobId.ts';
import { JobReader } from './jobs/jobReader.ts';
import { leaseTimesOf } from './jobs/leaseTimes.ts';
import { QueueSearch } from './jobs/queueSearch.ts';
import { QueueSet } from './jobs/queueSet.ts';
import { WorkerPool } from './jobs/workerPool.ts';
import { RedisLeases } from './leases/redisLeases.ts';
import { LockService } from './locks/lockService.ts';
import type { Logger } from './logging.ts';
import type { Requests } from './protocol/api.ts';
import type { Holder } from './protocol/decision.ts';
import type { ParamsOf } from './protocol/define.ts';
import type { AgeAlert, AgentStatus, RunRow } from './protocol/model.ts';
import { endedRunOf } from './reaper/lostRun.ts';
import { Recovery } from './reaper/recovery.ts';
import type { RedisConnections } from './redis/connections.ts';
import { Keys } from './redis/keys.ts';
import { redisNowMs } from './redis/redisNow.ts';
import { Scripts } from './redis/scripts.ts';
import { Releasers } from './releasers.ts';
import type { AgentServices } from './rpc/handlers.ts';
import { Scheduler } from './schedules/scheduler.ts';
import { simulateDuplicates } from './simulate/duplicates.ts';
import { simulateStory } from './simulate/stories/simulateStory.ts';
import { AgentRegistry } from './state/agentRegistry.ts';
import { TurnTime } from './streams/connection/turnTime.ts';
import { Venues } from './streams/connection/venueGate.ts';
import { removeLeftSpill } from './streams/pipeline/leftSpill.ts';
import { Asks } from './streams/pool/asks.ts';
import { RedisWantedStore } from './streams/pool/redisWantedStore.ts';
import { ShardProgress } from './streams/pool/shardProgress.ts';
import { StreamRegistry } from './streams/pool/streamRegistry.ts';
import { StreamService } from './streams/pool/streamService.ts';
import { SymbolStore } from './streams/symbols/symbolStore.ts';

/** How long runs may take to finish when the agent leaves, and then to stop when told to. */
const FINISH_RUNS_MS = 2_500;
const STOP_RUNS_MS = 1_000;
const CLOSE_STREAMS_MS = 1_500;

export interface ServiceSetOptions {
  config: Config;
  workspace: string;
  /** Where ticks wait on disk while Redis is away; null: nowhere. */
  stateFolder: string | null;
  connections: RedisConnections;
  holder: Holder;
  clock: Clock;
  random: Random;
  logger: Logger;
  onRunsChange: (count: number) => void;
}

/** The services of an agent of role `all`, wired together. The only place that makes them. */
export class ServiceSet {
  readonly store: StateStore;
  private readonly releasers: Releasers;
  private readonly keys: Keys;
  private readonly scripts: Scripts;
  private readonly decisions: DecisionLog;
  private readonly history: RunHistory;
  private readonly leases: RedisLeases;
  private readonly queues: QueueSet;
  private readonly reader: JobReader;
  private readonly enqueuer: Enqueuer;
  private readonly actions: JobActions;
  private readonly registry: AgentRegistry;
  private readonly scheduler: Scheduler;
  private readonly streams: StreamService;
  private readonly locks: LockService;
  private readonly recovery: Recovery;
  private readonly feed: StateFeed;
  private readonly ages: AgeWatch;
  private workers: WorkerPool | undefined;

  constructor(private readonly options: ServiceSetOptions) {
    const { config, connections, holder, clock, random, logger, workspace } = options;
    const redis = connections.commands;
    const scripts = new Scripts(redis);
    this.scripts = scripts;
    const keys = new Keys(config.redis.prefix);
    this.keys = keys;
    this.releasers = new Releasers(logger);
    this.store = new StateStore(clock);
    this.decisions = new DecisionLog(redis, keys, logger);
    this.history = new RunHistory({
      ...{ redis, scripts, keys, clock, logger, holder, retention: config.history },
      scheduleOf: scheduleOfJobId,
    });
    this.leases = new RedisLeases({ redis, scripts, keys, clock, holder });
    this.queues = new QueueSet(redis, config);
    this.reader = new JobReader(this.queues);
    this.enqueuer = new Enqueuer({
      ...{ config, clock, redis, scripts, keys, queues: this.queues, decisions: this.decisions },
      customKey: (type, data) => this.customKey(type, data),
    });
    this.actions = new JobActions({
      ...{ reader: this.reader, queues: this.queues, redis, scripts, keys },
      decisions: this.decisions,
      customKey: (type, data) => this.customKey(type, data),
    });
    this.registry = new AgentRegistry(redis, keys.agents, holder, clock);
    this.scheduler = new Scheduler({
      ...{ config, redis, scripts, keys, leases: this.leases, enqueuing: this.enqueuer },
      ...{ decisions: this.decisions, clock, logger, holder },
    });
    this.streams = new StreamService({
      ...{ streams: config.streams, leases: this.leases, enqueuing: this.enqueuer },
      ...{ clock, random, logger, holder, workspace, loadModule, venues: new Venues(clock) },
      turnTime: new TurnTime(clock),
      progress: new ShardProgress(redis, keys),
      spillFolder: this.spillFolder(),
      asks: new Asks(redis, keys.streamAsks),
      symbols: new SymbolStore(redis, scripts, keys),
      registry: new StreamRegistry({ redis, scripts, keys, clock, logger }),
      healthEveryMs: config.health.every,
      nowMs: () => redisNowMs(redis),
      agents: () => this.registry.list(),
      announce: (streams) => this.registry.announce({ streams }),
      wantedStore: new RedisWantedStore(redis, keys.wantedStreams),
      recordDecision: (decision) => this.decisions.record(decision),
      onChange: (row) => this.store.set('streams', row.name, row),
      onRemove: () => undefined,
    });
    this.locks = new LockService({
      ...{ redis, scripts, keys, config, clock, leases: this.leases, decisions: this.decisions },
      queueNames: () => this.queues.names(),
      lockTtlOf: (queue) =>
        leaseTimesOf(Object.values(config.jobs).filter((type) => type.queue === queue)).lockMs,
    });
    this.recovery = new Recovery({
      ...{ config, redis, scripts, keys, clock, logger, holder, registry: this.registry },
      ...{ leases: this.leases, decisions: this.decisions },
      queueNames: () => this.queues.names(),
      runsHere: (queue, jobId) => this.workers?.runsHere(queue, jobId) === true,
      warmUp: (type) => this.workers?.warmUp(type),
      onLost: (run) => this.history.ended(endedRunOf(run, clock.now())),
      onDead: () => this.leasesChanged(),
    });
    this.feed = new StateFeed({
      ...{ store: this.store, reader: this.reader, locks: this.locks, clock, logger },
      ...{ queueNames: () => this.queues.names(), decisions: this.decisions },
      scheduleRows: () => this.scheduler.rows(),
      leaderRows: () => this.scheduler.leaderRows(),
      streamRows: () => Promise.resolve(this.streams.rows()),
    });
    this.ages = new AgeWatch({
      ...{ thresholds: ageThresholdsOf(config), clock, logger, nowMs: () => redisNowMs(redis) },
      runsSince: (beganMs) => this.reader.activeSince(beganMs),
      locks: (runs) => this.locks.ofRuns(runs),
    });
  }

  /** Runs and locks that are over a threshold of age, the oldest first. */
  get alerts(): AgeAlert[] {
    return this.ages.alerts;
  }

  get totals(): AgentStatus['totals'] {
    return this.feed.totals;
  }

  /** Ticks that wait for Redis are files there; what a killed agent left is of no use any more. */
  private spillFolder(): string | null {
    const { stateFolder, clock, logger } = this.options;
    if (stateFolder === null) return null;
    const folder = path.join(stateFolder, 'spill');
    const removed = removeLeftSpill(folder, clock);
    if (removed.length > 0) logger.warn({ removed }, 'ticks of killed agents removed');
    return folder;
  }

  private customKey(type: string, data: JsonValue): Promise<JsonValue> {
    return this.workers === undefined ? Promise.resolve(null) : this.workers.keyOf(type, data);
  }

  get runsInProgress(): number {
    return this.workers?.runsInProgress ?? 0;
  }

  async start(): Promise<void> {
    const { releasers } = this;
    releasers.add('state', () => this.store.close());
    releasers.add('history', () => this.history.flush());
    await this.registry.start();
    releasers.add('registry', () => this.registry.close());
    this.followEvents();
    this.startWorkers();
    await this.registry.announce({ workers: this.workers?.workerIds() ?? [] });
    this.recovery.start();
    releasers.add('recovery', () => this.recovery.close());
    this.ages.start();
    releasers.add('ages', () => this.ages.close());
    this.scheduler.start();
    releasers.add('scheduler', () => this.scheduler.close());
    await this.streams.open();
    releasers.add('streams', () => this.streams.close(CLOSE_STREAMS_MS));
  }

  close(): Promise<void> {
    return this.releasers.releaseAll();
  }

  /** What clients may use. The agent adds what concerns itself. */
  offered(): Omit<
    AgentServices,
    'token' | 'status' | 'requestStop' | 'clientsChanged' | 'readLog'
  > {
    const { config, connections, clock, random } = this.options;
    return {
      ...{ store: this.store, feed: this.feed, queues: this.queues, reader: this.reader },
      ...{ actions: this.actions, enqueuing: this.enqueuer, scheduler: this.scheduler },
      ...{ streams: this.streams, decisions: this.decisions, ages: this.ages },
      locks: ({ limit, offset, ...filter }) => this.locks.list(filter, limit, offset),
      releaseLock: (params) => this.locks.release(params).finally(() => this.feed.locksChanged()),
      reap: (dryRun) => this.recovery.reap(dryRun),
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

  private startWorkers(): void {
    const { config, connections, clock, logger, workspace, holder } = this.options;
    const workers = new WorkerPool({
      ...{ config, workspace, keys: this.keys, enqueuing: this.enqueuer, clock, logger },
      ...{ agentId: holder.agentId, scripts: this.scripts, decisions: this.decisions },
      onEnded: (run) => this.history.ended(run),
      connection: connections.patient('workers'),
      onRunsChange: (count) => this.options.onRunsChange(count),
      createRunner: (type, jobType, file) =>
        createRunner(
          type.isolation,
          {
            ...{ file, jobType, concurrency: type.concurrency, processes: type.processes },
            ...{
              maxRunsPerProcess: type.maxRunsPerProcess,
              silenceMs: leaseTimesOf([type]).silenceMs,
            },
          },
          logger,
          clock,
        ),
    });
    this.workers = workers;
    this.releasers.add('workers', () => workers.close(FINISH_RUNS_MS, STOP_RUNS_MS));
  }

  /** A holder is gone or has given a lease back: those who wait look at once. */
  private leasesChanged(): void {
    this.scheduler.wake();
    this.streams.wake();
  }

  /** BullMQ and the decision log write events to streams: what they name is read again. */
  private followEvents(): void {
    const { connections, clock } = this.options;
    const streamOf = (queue: string) => this.keys.queue(queue, 'events');
    const tail = new EventTail(
      connections.patient('events'),
      [
        ...this.queues.names().map(streamOf),
        ...[this.keys.decisions, this.keys.releases, this.keys.streamAsks],
      ],
      clock,
      (stream) => {
        if (stream === this.keys.releases) {
          this.leasesChanged();
          return;
        }
        if (stream === this.keys.streamAsks) {
          this.streams.wake();
          return;
        }
        const queue = this.queues.names().find((name) => streamOf(name) === stream);
        if (queue === undefined) this.feed.decisionsChanged();
        else this.feed.queueChanged(queue);
      },
    );
    tail.start();
    const search = new QueueSearch(this.queues, clock, this.options.logger, (queue) => {
      tail.add(streamOf(queue));
      this.feed.queueChanged(queue);
    });
    search.start();
    this.releasers.add('feed', async () => {
      search.close();
      tail.close();
      await this.feed.close();
    });
  }

  private async runs(filter: ParamsOf<Requests['history']>) {
    const wantsRunning = filter.status === undefined || filter.status === 'running';
    return this.history.list(filter, wantsRunning ? await this.runningRuns() : []);
  }

  /** Every run that goes on, the oldest first. Who runs it and its fence are told by its lock. */
  private async runningRuns(): Promise<RunRow[]> {
    const active = await this.reader.activeSince(Infinity);
    const nowMs = await redisNowMs(this.options.connections.commands);
    const lockOf = new Map(
      (await this.locks.ofRuns(active)).map((lock) => [`${lock.job?.queue}/${lock.job?.id}`, lock]),
    );
    return active.flatMap((job) => {
      const lock = lockOf.get(`${job.queue}/${job.id}`);
      const schedule = scheduleOfJobId(job.id);
      const facts = { worker: lock?.holder ?? null, fence: lock?.fence ?? null, schedule, nowMs };
      return runningRow(job, facts) ?? [];
    });
  }
}
