import { sleep, type Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { WakeableSleep } from '../common/wakeableSleep.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { WorkerClient, WorkerClients } from '../jobs/workerClients.ts';
import type { Logger } from '../logging.ts';
import type { Stall } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { StreamEntry } from '../redis/streamEntry.ts';
import { isOutside, outsideName } from '../state/isOutside.ts';
import type { PeerWatch } from '../state/peerWatch.ts';
import { readActiveJobs, type ActiveJob } from './activeJob.ts';
import type { SeenRuns } from './seenRuns.ts';
import { stallDecision, type StallFacts } from './stallDecision.ts';
import { readStalledJob, type StalledJob } from './stalledJob.ts';
import { TroubleLog } from './troubleLog.ts';

/** Runs of queues that the config does not name are looked at that often: locks last longer. */
const LOOK_EVERY_MS = 1_000;
/** What becomes of a stalled job is waited for, so that it is told with the stall. */
const NEXT_WITHIN_MS = 3_000;
const LOOK_FOR_NEXT_MS = 100;
/** Every agent sees every stall: so long none tells it a second time. */
const CLAIM_MS = 3_600_000;

export interface StallWatchOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  decisions: Pick<DecisionLog, 'record'>;
  clients: WorkerClients;
  seen: SeenRuns;
  peers: Pick<PeerWatch, 'known'>;
  clock: Clock;
  logger: Logger;
  /** Who watches. */
  agentId: string;
  /** Queues of the config and those that other programs made. */
  queueNames: () => string[];
  /** Queues whose runs are looked at by others already. */
  declaredQueues: () => string[];
}

interface StallEvent {
  id: string;
  queue: string;
  jobId: string;
  /** What Interlock says of it when it put the job back itself. */
  interlock: string | undefined;
}

/** Whose run stalled. */
interface StalledRun {
  /** As BullMQ keeps it; '' for none. */
  name: string;
  worker: string | null;
  /** null: it was not seen, or can not be told from others. */
  client: WorkerClient | null;
}

/** Explains the stalls of jobs that workers outside Interlock run: one decision for each. */
export class StallWatch {
  private readonly pause: WakeableSleep;
  private readonly trouble: TroubleLog;
  private readonly closing = new AbortController();
  private readonly following = new Set<Promise<void>>();
  private loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: StallWatchOptions) {
    this.pause = new WakeableSleep(options.clock);
    this.trouble = new TroubleLog(options.logger, 'watching runs of other workers');
  }

  start(): void {
    this.loop = this.run();
  }

  /** Begins nothing any more. Does not wait for Redis, which may be frozen. */
  close(): void {
    this.closing.abort();
    this.pause.wake();
  }

  /** Settles when it is closed and nothing is under way: for tests. */
  get ended(): Promise<unknown> {
    return Promise.all([this.loop, this.settled]);
  }

  /** Settles when the stalls that are known are told: for tests. */
  get settled(): Promise<unknown> {
    return Promise.all(this.following);
  }

  /** What came in the event stream of a queue. */
  told(queue: string, entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      const event = stallOf(queue, entry);
      if (event === undefined || event.interlock === 'agent' || this.isClosed()) continue;
      const follow = this.follow(event)
        .catch((error: unknown) => {
          const { logger } = this.options;
          logger.warn({ jobId: event.jobId, why: messageOf(error) }, 'stall not recorded');
        })
        .finally(() => this.following.delete(follow));
      this.following.add(follow);
    }
  }

  /** Whether the run of an active job is, or was, one of a worker outside Interlock. */
  ranOutside(job: ActiveJob, agents = this.options.peers.known()): boolean {
    const token = job.lockToken ?? this.options.seen.of(job)?.job.lockToken ?? null;
    return isOutside(agents, token, job.worker);
  }

  /** Notes who has the locks now, while that can be told. @param active what was read just now */
  async note(active: readonly ActiveJob[]): Promise<void> {
    const { seen, clients, peers } = this.options;
    seen.note(active);
    const agents = peers.known();
    for (const job of active) {
      if (job.lockToken === null || seen.of(job)?.client !== null) continue;
      if (!this.ranOutside(job, agents)) continue;
      const client = await clients.find(job.queue, outsideName(agents, job.worker));
      if (client !== null) seen.setClient(job, client);
    }
  }

  private async run(): Promise<void> {
    const { queueNames, declaredQueues, scripts, keys } = this.options;
    while (!this.isClosed()) {
      try {
        const declared = new Set(declaredQueues());
        for (const queue of queueNames().filter((name) => !declared.has(name)))
          await this.note(await readActiveJobs(scripts, keys, queue));
        this.trouble.worked();
      } catch (error) {
        if (!this.isClosed()) this.trouble.failed(error);
      }
      await this.pause.sleep(LOOK_EVERY_MS);
    }
  }

  private isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  /** Waits for what becomes of the job, and records it all. */
  private async follow(event: StallEvent): Promise<void> {
    const { redis, keys, clock, decisions, agentId } = this.options;
    const read = () => readStalledJob(redis, keys, event.queue, event.jobId);
    const first = await read();
    if (first === undefined) return;
    // What has a lock or has ended was started once more since.
    const startedSince = first.lockToken !== null || first.hasEnded;
    const start = first.starts - (startedSince ? 1 : 0);
    const stalled = this.stalledRun(event, first, start, startedSince);
    if (stalled === undefined) return;
    const untilMs = clock.monotonic() + NEXT_WITHIN_MS;
    let now: StalledJob | undefined = first;
    while (now !== undefined && nextOf(now, start) === 'waits') {
      if (clock.monotonic() >= untilMs || this.isClosed()) break;
      await sleep(clock, LOOK_FOR_NEXT_MS, this.closing.signal);
      now = await read();
    }
    const facts = await this.factsOf(event, stalled, { first, now, start });
    const claim = keys.stallClaim(event.queue, event.id);
    if ((await redis.set(claim, agentId, 'PX', CLAIM_MS, 'NX')) !== 'OK') return;
    await decisions.record(stallDecision(facts));
  }

  /** Whose run it was that stalled; undefined for one of an agent. */
  private stalledRun(
    { queue, jobId, interlock }: StallEvent,
    first: StalledJob,
    start: number,
    startedSince: boolean,
  ): StalledRun | undefined {
    const { seen, peers } = this.options;
    const agents = peers.known();
    const run = seen.of({ queue, id: jobId, starts: start });
    // The name in the job is that of the newest run.
    const name = run?.job.worker ?? (startedSince ? '' : first.worker);
    const outside = interlock === 'outside' || isOutside(agents, run?.job.lockToken ?? null, name);
    if (!outside) return undefined;
    return { name, worker: outsideName(agents, name), client: run?.client ?? null };
  }

  private async factsOf(
    event: StallEvent,
    { name, worker, client }: StalledRun,
    { first, now, start }: { first: StalledJob; now: StalledJob | undefined; start: number },
  ): Promise<StallFacts> {
    const latest = now ?? first;
    const stall: Stall = {
      ...{ worker, start, stalls: first.stalls, attemptsMade: latest.attemptsMade },
      address: client?.address ?? null,
      connected: client === null ? null : await this.options.clients.isOpen(client),
      movedBy: event.interlock === undefined ? 'bullmq' : 'interlock',
      next: now === undefined ? 'removed' : nextOf(now, start),
      nextWorker: now === undefined ? null : this.nextWorker(now, name),
    };
    const { type, deduplicationId } = first;
    return { jobId: event.jobId, type, deduplicationId, willFail: latest.willFail, stall };
  }

  private nextWorker({ worker, lockToken }: StalledJob, before: string): string | null {
    const agents = this.options.peers.known();
    // Without a lock only a new name tells that it is the one of the new run.
    if (lockToken === null && worker === before) return null;
    if (!isOutside(agents, lockToken, worker)) return `agent ${worker}`;
    const name = outsideName(agents, worker);
    return name === null ? null : `worker "${name}"`;
  }
}

/** BullMQ starts a job that it has decided to fail only to fail it. */
function nextOf(job: StalledJob, start: number): 'waits' | 'started' | 'failed' {
  if (job.failedForStalls) return 'failed';
  return job.starts > start && !job.willFail ? 'started' : 'waits';
}

/** BullMQ and `takeOverJob.lua` write these events: the order of their fields is known. */
function stallOf(queue: string, [id, fields]: StreamEntry): StallEvent | undefined {
  const [event, what, job, jobId, , interlock] = fields;
  if (event !== 'event' || what !== 'stalled' || job !== 'jobId') return undefined;
  return jobId === undefined ? undefined : { id, queue, jobId, interlock };
}
