import type { Clock } from '../common/clock.ts';
import type { Config } from '../config/schema.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { WorkerClients } from '../jobs/workerClients.ts';
import type { RedisLeases } from '../leases/redisLeases.ts';
import type { Logger } from '../logging.ts';
import type { Orphan } from '../protocol/api.ts';
import type { Holder } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { AgentEntry, AgentRegistry } from '../state/agentRegistry.ts';
import { PeerWatch } from '../state/peerWatch.ts';
import { DedupScan } from './dedupScan.ts';
import { JobTakeover } from './jobTakeover.ts';
import type { LostRun } from './lostRun.ts';
import { OrphanReader } from './orphanReader.ts';
import { OrphanRemover } from './orphanRemover.ts';
import { Reaper } from './reaper.ts';
import { SeenRuns } from './seenRuns.ts';
import { StallWatch } from './stallWatch.ts';

export interface RecoveryOptions {
  config: Config;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  logger: Logger;
  /** Who recovers. */
  holder: Holder;
  registry: Pick<AgentRegistry, 'list'>;
  leases: Pick<RedisLeases, 'dead' | 'removeDead'>;
  decisions: DecisionLog;
  clients: WorkerClients;
  /** Queues of the config and those that other programs made. */
  queueNames: () => string[];
  /** Whether a handler of this process is at work on the job: then its worker gives it up itself. */
  runsHere: (queue: string, jobId: string) => boolean;
  /** Jobs of this type may have to run here in a moment. */
  warmUp: (type: string) => void;
  /** A run was lost; its job waits again. */
  onLost: (run: LostRun) => void | Promise<void>;
  /** An agent of this host is proven gone: what it held may be taken. */
  onDead: (holder: Holder) => void;
  /** The registry of agents was read, as it is each second. */
  onAgents: (entries: AgentEntry[]) => void;
}

/** What is done about those who died: notices them, takes their jobs over, removes what they left. */
export class Recovery {
  readonly peers: PeerWatch;
  readonly takeover: JobTakeover;
  readonly stalls: StallWatch;
  readonly seen: SeenRuns;
  private readonly reaper: Reaper;

  constructor(options: RecoveryOptions) {
    const { config, redis, scripts, keys, clock, logger, holder, registry, leases } = options;
    const { decisions, clients, queueNames, runsHere, warmUp, onLost, onDead } = options;
    const peers = new PeerWatch({
      ...{ registry, holder, clock, onList: options.onAgents },
      onDead: (dead) => {
        logger.info({ agentId: dead.agentId, pid: dead.pid }, 'another agent has died');
        this.takeover.wake();
        onDead(dead);
      },
    });
    this.peers = peers;
    this.seen = new SeenRuns(clock);
    this.stalls = new StallWatch({
      ...{ redis, scripts, keys, decisions, clients, peers, clock, logger, queueNames },
      ...{ agentId: holder.agentId, seen: this.seen },
      declaredQueues: () => this.takeover.queues(),
    });
    this.takeover = new JobTakeover({
      ...{ config, scripts, keys, decisions, peers, clock, logger, runsHere },
      ...{ warmUp, onLost },
      onLook: (jobs) => void this.stalls.note(jobs),
      ranOutside: (job) => this.stalls.ranOutside(job),
    });
    this.reaper = new Reaper({
      ...{ redis, keys, decisions, clock, logger, agentId: holder.agentId },
      reader: new OrphanReader({
        ...{ config, redis, scripts, keys, clock, leases, peers, queueNames },
        ...{ agentId: holder.agentId, dedups: new DedupScan(redis, scripts, keys) },
      }),
      remover: new OrphanRemover({ scripts, keys, leases, takeover: this.takeover, queueNames }),
      view: this.takeover.view,
    });
  }

  start(): void {
    this.peers.start();
    this.takeover.start();
    this.stalls.start();
    this.reaper.start();
  }

  /** Begins nothing any more. Does not wait for Redis, which may be frozen. */
  close(): void {
    this.peers.close();
    this.takeover.close();
    this.stalls.close();
    this.reaper.close();
  }

  /** One regular look for orphans; `start` takes one every two seconds. @throws when Redis is away */
  look(): Promise<void> {
    return this.reaper.look();
  }

  /** What belongs to nobody any more. @param dryRun only tells it. @throws when Redis is away */
  reap(dryRun: boolean): Promise<Orphan[]> {
    return this.reaper.reap(dryRun);
  }
}
