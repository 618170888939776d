import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { WakeableSleep } from '../common/wakeableSleep.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { Logger } from '../logging.ts';
import type { Orphan } from '../protocol/api.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { findOrphans, type FoundOrphan } from './findOrphans.ts';
import type { OrphanReader } from './orphanReader.ts';
import type { OrphanRemover } from './orphanRemover.ts';
import type { TakeoverView } from './takeoverDecision.ts';
import { TroubleLog } from './troubleLog.ts';

const LOOK_EVERY_MS = 2_000;
/** The agent that looks through the key space goes on with it; after that long without it another may. */
const TURN_MS = 6_000;

export interface ReaperOptions {
  redis: RedisClient;
  keys: Keys;
  reader: Pick<OrphanReader, 'read'>;
  remover: Pick<OrphanRemover, 'remove'>;
  /** For jobs that are stuck. */
  view: TakeoverView;
  decisions: DecisionLog;
  clock: Clock;
  logger: Logger;
  agentId: string;
}

/** Finds what belongs to nobody any more, and removes it. */
export class Reaper {
  private readonly pause: WakeableSleep;
  private readonly trouble: TroubleLog;
  /** What the last look found: an orphan goes when a second look finds it again. */
  private suspects = new Set<string>();
  private loop: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: ReaperOptions) {
    this.pause = new WakeableSleep(options.clock);
    this.trouble = new TroubleLog(options.logger, 'looking for orphans');
  }

  start(): void {
    this.loop = this.run();
  }

  /** Begins nothing any more. Does not wait for Redis, which may be frozen. */
  close(): void {
    this.closed = true;
    this.pause.wake();
  }

  /** Settles when the last look is over: for tests. */
  get ended(): Promise<void> {
    return this.loop;
  }

  /**
   * Looks through everything.
   * @param dryRun only tells what would be removed
   * @throws when Redis is away
   */
  async reap(dryRun: boolean): Promise<Orphan[]> {
    const found = await this.find('all');
    const told: Orphan[] = [];
    for (const one of found) {
      told.push({ ...one.orphan, removed: dryRun ? false : await this.remove(one) });
    }
    return told;
  }

  /** One regular look. */
  async look(): Promise<void> {
    const found = await this.find((await this.takeTurn()) ? 'turn' : 'own');
    // Jobs have a loop of their own, which is faster.
    const removable = found.filter(({ removal }) => removal !== null && removal.how !== 'job');
    const before = this.suspects;
    this.suspects = new Set(removable.map(({ orphan }) => orphan.name));
    for (const one of removable) {
      if (this.isClosed()) return;
      // A scan does not come by again soon, and its script's proof needs no second look.
      if (one.orphan.kind === 'dedup' || before.has(one.orphan.name)) await this.remove(one);
    }
  }

  private isClosed(): boolean {
    return this.closed;
  }

  private async run(): Promise<void> {
    while (!this.isClosed()) {
      try {
        await this.look();
        this.trouble.worked();
      } catch (error) {
        if (!this.isClosed()) this.trouble.failed(error);
      }
      await this.pause.sleep(LOOK_EVERY_MS);
    }
  }

  private async find(reach: Parameters<OrphanReader['read']>[0]): Promise<FoundOrphan[]> {
    return findOrphans(await this.options.reader.read(reach), this.options.view);
  }

  /** One agent at a time looks through the key space: two would do no harm, but the work twice. */
  private async takeTurn(): Promise<boolean> {
    const { redis, keys, agentId } = this.options;
    const key = keys.reaperTurn;
    if ((await redis.set(key, agentId, 'PX', TURN_MS, 'NX')) === 'OK') return true;
    if ((await redis.get(key)) !== agentId) return false;
    await redis.pexpire(key, TURN_MS);
    return true;
  }

  private async remove(found: FoundOrphan): Promise<boolean> {
    const { remover, logger } = this.options;
    const { orphan, removal, key, jobId } = found;
    if (removal === null || !(await remover.remove(removal))) return false;
    // A job that is given back is told as what it is: a takeover.
    if (removal.how === 'job') return true;
    logger.info(
      { action: 'reap', kind: orphan.kind, name: orphan.name, key, jobId, why: orphan.why },
      'removed an orphan',
    );
    await this.record(found);
    return true;
  }

  private async record({ orphan, subject, key, jobId, holder }: FoundOrphan): Promise<void> {
    try {
      await this.options.decisions.record({
        ...{ action: 'reap', subject, key, outcome: 'accepted', reason: 'orphaned' },
        ...{ jobId, survivor: null, holder, until: null, remedy: orphan.why },
      });
    } catch (error) {
      this.options.logger.warn(
        { name: orphan.name, why: messageOf(error) },
        'removal not recorded',
      );
    }
  }
}
