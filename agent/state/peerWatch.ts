import type { Clock, Timer } from '../common/clock.ts';
import type { Holder } from '../protocol/decision.ts';
import type { AgentEntry, AgentRegistry } from './agentRegistry.ts';
import { workerIdOf } from './isOutside.ts';
import { isSurelyGone } from './processIdentity.ts';

/** How often the processes of this host are looked at: some microseconds for each. */
const LOOK_EVERY_MS = 200;
/** How often Redis is asked who the agents are. */
const LIST_EVERY_MS = 1_000;
const MOST_SEEN = 1_000;

export interface PeerWatchOptions {
  registry: Pick<AgentRegistry, 'list'>;
  /** Who watches. */
  holder: Holder;
  clock: Clock;
  /** A process of this host is proven gone. Told once for each. */
  onDead: (holder: Holder) => void;
  /** Told each time that the registry was read. */
  onList?: (entries: AgentEntry[]) => void;
}

/**
 * Knows the other agents of this Redis, and notices at once when one on this host is gone. Death is
 * final: a process id with its start time is never used again.
 */
export class PeerWatch {
  private peers = new Map<string, AgentEntry>();
  /** As they were seen last: a job may be left of one that has left. The newest stand last. */
  private readonly seen = new Map<string, AgentEntry>();
  /** Kept for good: a job may name its agent after the agent's entry was removed. */
  private readonly dead = new Map<string, AgentEntry>();
  /** Ids of BullMQ workers of dead agents, and since when they are known to be gone. */
  private readonly deadWorkers = new Map<string, number>();
  private timer: Timer | undefined;
  private listing: Promise<void> | undefined;
  private listedAt = -Infinity;
  private closed = false;

  constructor(private readonly options: PeerWatchOptions) {}

  start(): void {
    this.look();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  /** Who this agent is, or was; null when nothing is known of it. */
  holderOf(agentId: string): Holder | null {
    return this.dead.get(agentId)?.holder ?? this.peers.get(agentId)?.holder ?? null;
  }

  /** Every agent that was seen, those that have left too. */
  known(): AgentEntry[] {
    return [...this.seen.values()];
  }

  /**
   * For how long the owner of this token of a BullMQ lock is known to be gone; undefined when it is
   * not. The token is the proof: the name of a job's worker may be that of an earlier run.
   */
  deadForMs(token: string): number | undefined {
    const sinceMs = this.deadWorkers.get(workerIdOf(token));
    return sinceMs === undefined ? undefined : this.options.clock.monotonic() - sinceMs;
  }

  /** Asks Redis who the agents are, and looks at those of this host. @throws when Redis is away */
  async refresh(): Promise<AgentEntry[]> {
    const found = await this.options.registry.list();
    this.peers = new Map(found.map((entry) => [entry.agentId, entry]));
    this.remember(found);
    this.findDead((holder) => holder.alive === false);
    this.options.onList?.(found);
    return found;
  }

  private remember(found: AgentEntry[]): void {
    for (const entry of found) {
      this.seen.delete(entry.agentId);
      this.seen.set(entry.agentId, entry);
    }
    for (const agentId of this.seen.keys()) {
      if (this.seen.size <= MOST_SEEN) return;
      this.seen.delete(agentId);
    }
  }

  private look(): void {
    const { clock, holder: self } = this.options;
    this.findDead(
      ({ hostId, pid, processStart }) => hostId === self.hostId && isSurelyGone(pid, processStart),
    );
    if (this.listing === undefined && clock.monotonic() - this.listedAt >= LIST_EVERY_MS) {
      this.listing = this.refresh()
        // Redis is away: those that are known are looked at all the same.
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => {
          this.listedAt = clock.monotonic();
          this.listing = undefined;
        });
    }
    if (!this.closed) this.timer = clock.setTimeout(() => this.look(), LOOK_EVERY_MS);
  }

  private findDead(isGone: (holder: Holder) => boolean): void {
    if (this.closed) return;
    const { holder: self, clock, onDead } = this.options;
    for (const [agentId, entry] of this.peers) {
      const { holder, workers } = entry;
      if (holder === null || agentId === self.agentId || this.dead.has(agentId)) continue;
      if (!isGone(holder)) continue;
      const gone = { ...holder, alive: false };
      this.dead.set(agentId, { ...entry, holder: gone });
      for (const worker of workers) this.deadWorkers.set(worker, clock.monotonic());
      onDead(gone);
    }
  }
}
