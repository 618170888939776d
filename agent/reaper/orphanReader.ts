import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import type { Config } from '../config/schema.ts';
import type { RedisLeases } from '../leases/redisLeases.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { PeerWatch } from '../state/peerWatch.ts';
import { readActiveJobs } from './activeJob.ts';
import type { DedupScan } from './dedupScan.ts';
import type { AdmissionFact, AgentFact, OrphanFacts, RunFact } from './orphanFacts.ts';

export interface OrphanReaderOptions {
  config: Config;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  leases: Pick<RedisLeases, 'dead'>;
  peers: Pick<PeerWatch, 'refresh'>;
  /** Who reads. */
  agentId: string;
  /** Queues of the config and those that other programs made. */
  queueNames: () => string[];
  dedups: DedupScan;
}

/** How much to look at. */
export type Reach =
  /** What only this host can prove: leases, agents and jobs of its own dead. */
  | 'own'
  /** Also what anyone can prove, with a bounded piece of the key space. */
  | 'turn'
  /** The whole key space at once. */
  | 'all';

const pairs = z.array(z.tuple([z.null(), z.unknown()]).transform(([, value]) => value));

/** Reads what may be an orphan. */
export class OrphanReader {
  /** When each agent's entry was first seen as it is. */
  private seenEntries = new Map<string, { text: string; sinceMs: number }>();

  constructor(private readonly options: OrphanReaderOptions) {}

  async read(reach: Reach): Promise<OrphanFacts> {
    const { config, leases, scripts, keys, queueNames, dedups } = this.options;
    const declaredQueues = new Set(Object.values(config.jobs).map((type) => type.queue));
    const queues = reach === 'own' ? [...declaredQueues] : queueNames();
    const [deadLeases, agents] = await Promise.all([leases.dead(), this.readAgents()]);
    const activeJobs = await Promise.all(
      queues.map((queue) => readActiveJobs(scripts, keys, queue)),
    );
    const shared =
      reach === 'own'
        ? { dedups: [], admissions: [], runs: [] }
        : {
            dedups: reach === 'all' ? await dedups.scanAll() : await dedups.scanSome(),
            admissions: await this.readAdmissions(),
            runs: await this.readRuns(),
          };
    return { declaredQueues, leases: deadLeases, agents, activeJobs: activeJobs.flat(), ...shared };
  }

  private async readAgents(): Promise<AgentFact[]> {
    const { peers, clock, agentId } = this.options;
    const nowMs = clock.monotonic();
    const seen = new Map<string, { text: string; sinceMs: number }>();
    const facts = (await peers.refresh())
      .filter((entry) => entry.agentId !== agentId)
      .map((entry) => {
        const before = this.seenEntries.get(entry.agentId);
        const sinceMs = before?.text === entry.text ? before.sinceMs : nowMs;
        seen.set(entry.agentId, { text: entry.text, sinceMs });
        return { entry, unchangedMs: nowMs - sinceMs };
      });
    this.seenEntries = seen;
    return facts;
  }

  private async readAdmissions(): Promise<AdmissionFact[]> {
    const { config, redis, keys, queueNames } = this.options;
    const facts: AdmissionFact[] = [];
    for (const type of Object.keys(config.jobs)) {
      const ids = await redis.zrange(keys.admitted(type), 0, -1);
      if (ids.length === 0) continue;
      const queues = queueNames();
      const pipeline = redis.pipeline();
      for (const id of ids) {
        for (const queue of queues) pipeline.hmget(keys.job(queue, id), 'timestamp', 'finishedOn');
      }
      const answers = pairs.parse(await pipeline.exec());
      const jobs = z.array(z.tuple([z.string().nullable(), z.string().nullable()])).parse(answers);
      for (const [index, jobId] of ids.entries()) {
        // The config may have moved the type to another queue while the job waits in the former one.
        const known = jobs
          .slice(index * queues.length, (index + 1) * queues.length)
          .filter(([createdAt]) => createdAt !== null);
        if (known.some(([, finishedOn]) => finishedOn === null)) continue;
        facts.push({ type, jobId, fate: known.length === 0 ? 'gone' : 'finished' });
      }
    }
    return facts;
  }

  private async readRuns(): Promise<RunFact[]> {
    const { config, redis, keys, queueNames } = this.options;
    const facts: RunFact[] = [];
    for (const type of Object.keys(config.jobs)) {
      for (const [field, value] of Object.entries(await redis.hgetall(keys.running(type)))) {
        const jobId = value.slice(value.indexOf(' ') + 1);
        const locks = queueNames().map((queue) => keys.jobLock(queue, jobId));
        if ((await redis.exists(...locks)) === 0) facts.push({ type, field, value, jobId });
      }
    }
    return facts;
  }
}
