/** What all batchers of one stream in one agent may hold together, however many shards it has. */
export class BufferBudget {
  /** Ticks in memory, those under way too. */
  readonly ticks: SharedLimit;
  /** Bytes of spilled ticks. 0: nothing is spilled. */
  readonly diskBytes: SharedLimit;
  /** A disk that refuses is told once per stream, not once per shard. */
  refusalTold = false;

  constructor(limits: { ticks: number; diskBytes: number }) {
    this.ticks = new SharedLimit(limits.ticks);
    this.diskBytes = new SharedLimit(limits.diskBytes);
  }
}

/** Gives up some of what it holds, the oldest first. @returns how much has come free; 0 = it can not */
export type GiveUp = (amount: number) => number;

/**
 * A limit that many share. There are no fixed parts: one may take all while the others need nothing.
 * When it is used up, who holds more than its even part gives up its oldest, so a busy shard can not
 * push out what a quiet one holds.
 */
export class SharedLimit {
  private readonly shares = new Set<Share>();
  private taken = 0;
  /** Who had the most when it was last looked for: with 400 shards that is not done for each tick. */
  private richest: Share | undefined;

  constructor(readonly limit: number) {}

  get used(): number {
    return this.taken;
  }

  /** What each would have if all had the same. */
  get evenPart(): number {
    return this.limit / Math.max(1, this.shares.size);
  }

  /** @param giveUp called when others need room; calls `give` for what it gives up */
  join(giveUp: GiveUp): Share {
    const share = new Share(this, giveUp);
    this.shares.add(share);
    return share;
  }

  /** For `Share` only. */
  change(amount: number): void {
    this.taken += amount;
  }

  /** For `Share` only. */
  leave(share: Share): void {
    this.shares.delete(share);
    if (this.richest === share) this.richest = undefined;
  }

  /** For `Share` only. Asks the richest, `asker` first if it has its even part. @returns what came free */
  makeRoom(amount: number, asker: Share): number {
    if (asker.held >= this.evenPart) {
      const freed = asker.giveUp(amount);
      if (freed > 0) return freed;
    }
    const known = this.richest;
    if (known !== undefined && known.held > this.evenPart) {
      const freed = known.giveUp(amount);
      if (freed > 0) return freed;
    }
    let richest = asker;
    for (const share of this.shares) if (share.held > richest.held) richest = share;
    this.richest = richest;
    return richest.giveUp(amount) || asker.giveUp(amount);
  }
}

/** What one of them holds. */
export class Share {
  held = 0;

  constructor(
    private readonly of: SharedLimit,
    readonly giveUp: GiveUp,
  ) {}

  /** Takes it if there is room, after others have given up some if need be. */
  take(amount: number): boolean {
    const { limit, used } = this.of;
    // What `force` took beyond the limit comes free by itself: a newcomer replaces no more than itself.
    let missing = Math.min(amount, used + amount - limit);
    if (missing > 0 && amount > limit) return false;
    while (missing > 0) {
      const freed = this.of.makeRoom(missing, this);
      if (freed <= 0) return false;
      missing -= freed;
    }
    this.force(amount);
    return true;
  }

  /** Takes it, room or not: for the little without which nothing would go on. */
  force(amount: number): void {
    this.held += amount;
    this.of.change(amount);
  }

  give(amount: number): void {
    this.force(-amount);
  }

  /** Gives all back, for good. */
  leave(): void {
    this.give(this.held);
    this.of.leave(this);
  }
}
