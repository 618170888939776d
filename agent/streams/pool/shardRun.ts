import type { Timer } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { PassableLease } from '../../leases/lease.ts';
import type { ConnectionState } from '../../protocol/model.ts';
import type { Gap } from '../adapters/adapter.ts';
import type { Tick } from '../adapters/tick.ts';
import type { ScannedTick } from '../adapters/tickScanner.ts';
import type { ConnectionFigures } from '../connection/connection.ts';
import { batchIdPrefix, batchSender } from '../pipeline/batchSender.ts';
import { Batcher } from '../pipeline/batcher.ts';
import { LagMeter } from './lagMeter.ts';
import { shardConnection, type ShardConnection } from './shardConnection.ts';
import type { ShardContext } from './shardContext.ts';
import { SymbolLedger, type Accepted } from './symbolLedger.ts';

/** A replacement that is not live by then is given up; the connection that it was for lives on. */
const REPLACE_WITHIN_MS = 30_000;
/** An old connection may be that far behind the new one, or answer no pings at all. */
const READ_WITHIN_MS = 1_000;

/** One shard while this agent holds its lease: a connection whose ticks become batches. */
export class ShardRun {
  readonly ledger = new SymbolLedger();
  readonly lag = new LagMeter();
  readonly batcher: Batcher;
  /** What the job ids of all its batches begin with. */
  readonly batchPrefix: string;
  private lease_: PassableLease;
  private current: ShardConnection;
  private replacement: ShardConnection | undefined;
  private replaceTimer: Timer | undefined;
  /** Times that a replacement was ready: only what the last of them began ends the old connection. */
  private timesReady = 0;
  private startTimer: Timer | undefined;
  /** Figures of connections that this one replaced. */
  private before = { messages: 0, ticks: 0, errors: 0, breaks: 0 };
  /** While it is being handed over: what arrives, in case that it stays here after all. */
  private heldBack: Tick[][] | undefined;
  private heldBackSinceMs = 0;

  /**
   * @param start a connection that was made ahead for a handover, or how long the first attempt to
   *   connect waits
   */
  constructor(
    readonly shard: number,
    lease: PassableLease,
    private symbols: readonly string[],
    private readonly context: ShardContext,
    start: { ready: ShardConnection } | { delayMs: number },
  ) {
    this.lease_ = lease;
    this.batchPrefix = batchIdPrefix(context.stream, shard, lease.fence);
    const { stream, config, budget, progress, spillFolder, enqueuing, clock, random, logger } =
      context;
    this.batcher = new Batcher({
      ...{ maxTicks: config.batch.maxTicks, maxWaitMs: config.batch.maxWait },
      ...{
        lite: config.liteMode,
        budget,
        spillFolder: spillFolder(shard, lease.fence),
        clock,
        random,
        logger,
      },
      onDropped: (count, why) => context.onDropped(shard, count, why),
      send: batchSender({
        ...{ stream, shard, type: config.job, firstFence: lease.fence, enqueuing },
        lease: () => this.lease_,
        progressKey: progress.keyOf(stream, shard),
      }),
    });
    if ('ready' in start) {
      this.current = start.ready;
      this.current.sink = this.sinkOf(() => this.current);
    } else {
      this.current = this.connect();
      this.begin(start.delayMs);
    }
  }

  get lease(): PassableLease {
    return this.lease_;
  }

  get symbolCount(): number {
    return this.symbols.length;
  }

  get symbolNames(): readonly string[] {
    return this.symbols;
  }

  get state(): ConnectionState {
    return this.current.connection.state;
  }

  /** Of its connection, with what the ones before it counted. */
  figures(): ConnectionFigures {
    const figures = this.current.connection.row();
    const { messages, ticks, errors, breaks } = this.before;
    const trouble = this.startTimer === undefined ? figures.trouble : 'It waits for its turn.';
    return {
      ...figures,
      ...{ messages: figures.messages + messages, ticks: figures.ticks + ticks },
      ...{ errors: figures.errors + errors, breaks: figures.breaks + breaks, trouble },
    };
  }

  setSymbols(symbols: readonly string[]): void {
    if (sameList(symbols, this.symbols)) return;
    // Symbols that go or come: while they are not subscribed, nothing of them is missing.
    this.ledger.forget(differenceOf(this.symbols, symbols));
    this.ledger.forget(differenceOf(symbols, this.symbols));
    this.symbols = symbols;
    this.current.connection.setSymbols(symbols);
    this.replacement?.connection.setSymbols(symbols);
  }

  resume(): void {
    this.current.connection.resume();
  }

  /**
   * The lease was lost and is ours again, with nobody in between: what waits is sent under the new
   * fence.
   */
  regained(lease: PassableLease): void {
    this.lease_ = lease;
  }

  /** A new connection first; when it is live, the old one closes. What both bring counts once. */
  rotate(reason: string): void {
    if (this.replacement !== undefined || this.heldBack !== undefined) return;
    const { logger, clock } = this.context;
    logger.info({ shard: this.shard, reason }, 'connection is replaced');
    this.ledger.beginOverlap();
    this.replacement = this.connect();
    this.replaceTimer = clock.setTimeout(() => this.giveUpReplacement(), REPLACE_WITHIN_MS);
    this.replacement.connection.start();
  }

  /**
   * Another connection has all from now on: waits until this one has read what came before that. A
   * line may be slower than another, and what came over a fast one is often read first.
   */
  allRead(): Promise<void> {
    return this.current.connection.allRead(READ_WITHIN_MS);
  }

  /** From now on nothing is forwarded: another agent's connection brings what comes next. */
  holdBack(): Record<string, number> {
    this.endOverlap();
    this.heldBack = [];
    this.heldBackSinceMs = this.context.clock.monotonic();
    return this.ledger.lastSeqs();
  }

  get heldBackMs(): number {
    return this.context.clock.monotonic() - this.heldBackSinceMs;
  }

  /** It stays here after all. */
  goOn(): void {
    const held = this.heldBack ?? [];
    this.heldBack = undefined;
    for (const ticks of held) this.take(ticks);
  }

  /**
   * The shard was another agent's until now.
   * @param lastSeqs the last number of each symbol that it sent
   * @param kept what came here meanwhile
   */
  takeOver(lastSeqs: Record<string, number>, kept: Tick[][]): void {
    this.ledger.beginOverlap(lastSeqs);
    for (const ticks of kept) this.take(ticks);
    this.endOverlap();
  }

  /** A tick that comes as expected goes on as it came. @returns false for every other one */
  private passOn(tick: ScannedTick, json: Buffer): boolean {
    if (this.heldBack !== undefined || !this.batcher.takesJson) return false;
    const { turnTime } = this.context;
    turnTime.read();
    if (!this.ledger.acceptNext(tick.symbol, tick.seq, turnTime.nowMs)) return false;
    const ts = tick.tsText ?? (Number.isNaN(tick.ts) ? undefined : tick.ts);
    this.lag.add(ts, turnTime.nowMs);
    this.batcher.addJson(tick.symbol, tick.seq, json);
    return true;
  }

  private take(ticks: Tick[]): void {
    if (this.heldBack !== undefined) {
      this.heldBack.push(ticks);
      return;
    }
    const { turnTime } = this.context;
    turnTime.read();
    this.forward(this.ledger.accept(ticks, turnTime.nowMs), turnTime.nowMs);
  }

  private forward({ fresh, gaps }: Accepted, nowMs: number): void {
    for (const { ts } of fresh) this.lag.add(ts, nowMs);
    this.batcher.add(fresh);
    if (gaps.length > 0) this.onGaps(gaps);
  }

  private endOverlap(): void {
    const nowMs = this.context.clock.now();
    this.forward(this.ledger.endOverlap(nowMs), nowMs);
  }

  /**
   * Unsubscribes, sends what is left, and gives the lease free: whoever takes it next begins after us.
   * @param deadlineMs for what is left of the ticks
   * @param isWanted others go on with it: what comes until then is missing
   */
  async stop(deadlineMs: number, isWanted: boolean): Promise<void> {
    this.closeConnections(true);
    this.endOverlap();
    await this.batcher.flush(deadlineMs);
    const { stream, progress } = this.context;
    if (!isWanted && !this.lease_.signal.aborted) await progress.forget(stream, this.shard);
    await this.lease_.release();
  }

  /** Another agent has it: nothing more may leave here. */
  abandon(why: string): void {
    this.closeConnections(false);
    this.batcher.abandon(why);
  }

  /** Ends it after the lease was handed over. */
  passedOn(): void {
    this.closeConnections(true);
    this.batcher.abandon('another agent goes on with it');
  }

  /** A connection whose ticks and troubles are this shard's. */
  private connect(): ShardConnection {
    const made: ShardConnection = shardConnection(
      this.shard,
      this.symbols,
      this.context,
      this.sinkOf(() => made),
    );
    return made;
  }

  private sinkOf(connection: () => ShardConnection): ShardConnection['sink'] {
    return {
      onTicks: (ticks) => this.take(ticks),
      onScanned: (tick, json) => this.passOn(tick, json),
      onRotateWanted: (reason) => this.rotate(reason),
      onChange: () => this.onConnectionChange(connection()),
    };
  }

  private begin(delayMs: number): void {
    if (delayMs <= 0) {
      this.current.connection.start();
      return;
    }
    this.startTimer = this.context.clock.setTimeout(() => {
      this.startTimer = undefined;
      this.current.connection.start();
    }, delayMs);
  }

  private onConnectionChange(changed: ShardConnection): void {
    if (changed === this.replacement) {
      if (changed.connection.isSettled) void this.switchOver(changed);
      else if (changed.connection.waitsForPlace) this.breakBeforeMake(changed);
      return;
    }
    this.context.onChange();
  }

  /** The venue has no place for a second connection: the old one has to go first. */
  private breakBeforeMake(next: ShardConnection): void {
    const old = this.current.connection;
    this.putToUse(next);
    this.endReplacement();
    old.stop(true);
    this.context.onChange();
  }

  private async switchOver(next: ShardConnection): Promise<void> {
    const time = (this.timesReady += 1);
    await this.allRead();
    // It may have ended meanwhile, or have begun anew.
    if (time !== this.timesReady || this.replacement !== next) return;
    if (!next.connection.isSettled) return;
    const old = this.current.connection;
    this.putToUse(next);
    this.endReplacement();
    old.stop(true);
    this.context.onChange();
  }

  private putToUse(next: ShardConnection): void {
    const { messages, ticks, errors, breaks } = this.current.connection.row();
    this.before.messages += messages;
    this.before.ticks += ticks;
    this.before.errors += errors;
    this.before.breaks += breaks;
    this.current = next;
  }

  private giveUpReplacement(): void {
    const { replacement } = this;
    if (replacement === undefined) return;
    const { trouble } = replacement.connection.row();
    this.context.logger.warn({ shard: this.shard, trouble }, 'connection could not be replaced');
    this.endReplacement();
    replacement.connection.stop(false);
  }

  private endReplacement(): void {
    this.replaceTimer?.cancel();
    this.replacement = undefined;
    this.endOverlap();
  }

  private closeConnections(politely: boolean): void {
    this.startTimer?.cancel();
    this.replaceTimer?.cancel();
    this.replacement?.connection.stop(false);
    this.replacement = undefined;
    this.current.connection.stop(politely);
  }

  private onGaps(gaps: readonly Gap[]): void {
    this.context.onGaps(this.shard, gaps);
    for (const gap of gaps) void this.resync(gap);
  }

  /** An adapter is a person's code: what it throws is told, and ends nothing. */
  private async resync(gap: Gap): Promise<void> {
    const { adapter } = this.context;
    if (adapter.resync === undefined) return;
    try {
      const { ticks, send, refused } = await adapter.resync(gap);
      if (refused !== undefined) this.tellResync(gap, refused);
      if (ticks.length > 0 && this.heldBack === undefined) this.batcher.add(ticks);
      if (send !== undefined) this.current.connection.send(send);
    } catch (error) {
      this.tellResync(gap, messageOf(error));
    }
  }

  private tellResync({ symbol }: Gap, why: string): void {
    const { logger } = this.context;
    logger.warn({ shard: this.shard, symbol, why }, 'missing ticks could not all be fetched');
  }
}

function differenceOf(these: readonly string[], those: readonly string[]): string[] {
  const known = new Set(those);
  return these.filter((symbol) => !known.has(symbol));
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((symbol, index) => symbol === other[index]);
}
