import type { Clock } from './common/clock.ts';
import type { Random } from './common/random.ts';
import type { Config } from './config/schema.ts';
import { DecisionLog } from './decisions/decisionLog.ts';
import { EventTail } from './feed/eventTail.ts';
import { StateFeed } from './feed/stateFeed.ts';
import { StateStore } from './feed/stateStore.ts';
import { createRunner } from './handlers/createRunner.ts';
import { loadModule } from './handlers/loadModule.ts';
import { Enqueuer } from './jobs/enqueuer.ts';
import { JobActions } from './jobs/jobActions.ts';
import { readJobLocks } from './jobs/jobLocks.ts';
import { JobReader } from './jobs/jobReader.ts';
import { QueueSearch } from './jobs/queueSearch.ts';
import { QueueSet } from './jobs/queueSet.ts';
import { lockTtlOf, WorkerPool } from './jobs/workerPool.ts';
import { RedisLeases } from './leases/redisLeases.ts';
import type { Logger } from './logging.ts';
import type { Holder } from './protocol/decision.ts';
import type { JobRow, LockRow } from './protocol/model.ts';
import type { RedisConnections } from './redis/connections.ts';
import { Keys } from './redis/keys.ts';
import { Scripts } from './redis/scripts.ts';
import { Releasers } from './releasers.ts';
import type { AgentServices } from './rpc/handlers.ts';
import { Scheduler } from './schedules/scheduler.ts';
import { simulateDuplicates } from './simulate/duplicates.ts';
import { AgentRegistry } from './state/agentRegistry.ts';
import { RedisWantedStore } from './streams/redisWantedStore.ts';
import { StreamService } from './streams/streamService.ts';

/** How long runs may take to finish when the agent leaves, and then to stop when told to. */
const FINISH_RUNS_MS = 2_500;
const STOP_RUNS_MS = 1_000;
const CLOSE_STREAMS_MS = 1_000;

export interface ServiceSetOptions {
  config: Config;
  workspace: string;
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
  private readonly decisions: DecisionLog;
  private readonly leases: RedisLeases;
  private readonly queues: QueueSet;
  private readonly reader: JobReader;
  private readonly enqueuer: Enqueuer;
  private readonly actions: JobActions;
  private readonly registry: AgentRegistry;
  private readonly scheduler: Scheduler;
  private readonly streams: StreamService;
  private readonly feed: StateFeed;
  private workers: WorkerPool | undefined;

  constructor(private readonly options: ServiceSetOptions) {
    const { config, connections, holder, clock, random, logger, workspace } = options;
    const redis = connections.commands;
    const scripts = new Scripts(redis);
    const keys = new Keys(config.redis.prefix);
    this.keys = keys;
    this.releasers = new Releasers(logger);
    this.store = new StateStore(clock);
    this.decisions = new DecisionLog(redis, scripts, keys, clock, logger);
    this.leases = new RedisLeases({ redis, scripts, keys, clock, holder });
    this.queues = new QueueSet(redis, config);
    this.reader = new JobReader(this.queues);
    this.enqueuer = new Enqueuer({
      ...{ config, clock, decisions: this.decisions },
      queueOf: (name) => this.queues.get(name),
    });
    this.actions = new JobActions({
      ...{ reader: this.reader, redis, scripts, keys, decisions: this.decisions },
    });
    this.registry = new AgentRegistry(redis, keys.agents, holder, clock);
    this.scheduler = new Scheduler({
      ...{ config, redis, scripts, keys, leases: this.leases, enqueuing: this.enqueuer },
      ...{ decisions: this.decisions, clock, logger, holder },
    });
    this.streams = new StreamService({
      ...{ streams: config.streams, leases: this.leases, enqueuing: this.enqueuer },
      ...{ clock, random, logger, holder, workspace, loadModule },
      wantedStore: new RedisWantedStore(redis, keys.wantedStreams),
      recordDecision: (decision) => this.decisions.record(decision),
      onChange: (row) => this.store.set('streams', row.name, row),
      onRemove: () => undefined,
    });
    this.feed = new StateFeed({
      ...{ store: this.store, reader: this.reader, leases: this.leases, clock, logger },
      ...{ queueNames: () => this.queues.names(), decisions: this.decisions },
      scheduleRows: () => this.scheduler.rows(),
      streamRows: () => Promise.resolve(this.streams.rows()),
      jobLocks: (active) => this.jobLocks(active),
    });
  }

  get runsInProgress(): number {
    return this.workers?.runsInProgress ?? 0;
  }

  async start(): Promise<void> {
    const { releasers } = this;
    releasers.add('state', () => this.store.close());
    releasers.add('decisions', () => this.decisions.flush());
    await this.registry.start();
    releasers.add('registry', () => this.registry.close());
    this.followEvents();
    this.startWorkers();
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
      ...{ streams: this.streams, decisions: this.decisions },
      locks: () => this.locks(),
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
      ...{ agentId: holder.agentId, commands: connections.commands },
      connection: connections.patient('workers'),
      onRunsChange: (count) => this.options.onRunsChange(count),
      createRunner: (type, jobType, file) =>
        createRunner(
          type.isolation,
          {
            ...{ file, jobType, concurrency: type.concurrency, processes: type.processes },
            ...{ maxRunsPerProcess: type.maxRunsPerProcess, silenceMs: type.lease.ttl },
          },
          logger,
          clock,
        ),
    });
    this.workers = workers;
    this.releasers.add('workers', () => workers.close(FINISH_RUNS_MS, STOP_RUNS_MS));
  }

  /** BullMQ and the decision log write events to streams: what they name is read again. */
  private followEvents(): void {
    const { connections, clock } = this.options;
    const streamOf = (queue: string) => this.keys.queue(queue, 'events');
    const tail = new EventTail(
      connections.patient('events'),
      [...this.queues.names().map(streamOf), this.keys.decisions],
      clock,
      (stream) => {
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

  private async locks(): Promise<LockRow[]> {
    const names = this.queues.names();
    const active = await Promise.all(names.map((name) => this.reader.newest(name, 'active', 100)));
    return [...(await this.leases.list()), ...(await this.jobLocks(active.flat()))];
  }

  private jobLocks(active: JobRow[]): Promise<LockRow[]> {
    const { config, connections } = this.options;
    return readJobLocks(connections.commands, this.keys, active, (queue) =>
      lockTtlOf(Object.values(config.jobs).filter((type) => type.queue === queue)),
    );
  }
}
