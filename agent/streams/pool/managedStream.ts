import { messageOf, toInterlockError, type InterlockError } from '../../common/errors.ts';
import type { StreamConfig } from '../../config/schema.ts';
import { readTlsFiles } from '../../config/tlsFiles.ts';
import type { LeaseHeld, PassableLease, PassedLease } from '../../leases/lease.ts';
import type { Holder } from '../../protocol/decision.ts';
import type { StreamRow } from '../../protocol/model.ts';
import type { Gap } from '../adapters/adapter.ts';
import { adapterOfStream } from '../adapters/adapterOfStream.ts';
import { HoursWatch } from '../hours/hoursWatch.ts';
import type { HoursState } from '../hours/marketHours.ts';
import { BufferBudget } from '../pipeline/bufferBudget.ts';
import { spillFolderOf } from '../pipeline/leftSpill.ts';
import { normaliseSymbol } from '../symbols/normaliseSymbol.ts';
import type { PlanRules } from '../symbols/symbolPlan.ts';
import type { StoredPlan } from '../symbols/symbolStore.ts';
import type { RegistryEntry } from './registryEntry.ts';
import type { ShardContext } from './shardContext.ts';
import { shardLease } from './shardLease.ts';
import { ShardRun } from './shardRun.ts';
import type { Standby } from './standby.ts';
import { STREAM_LEASE_TTL_MS, type StreamContext } from './streamContext.ts';
import type { HealthSubject } from './streamHealth.ts';
import type { WantedState } from './wantedStore.ts';

/** Time for the last batches when a shard is stopped. */
export const FLUSH_DEADLINE_MS = 2_000;

export interface StreamEvents {
  onChange: () => void;
  onTakeover: (shard: number, from: Holder) => void;
  onGaps: (shard: number, gaps: readonly Gap[]) => void;
  onDropped: (shard: number, count: number, why: string) => void;
}

/** A stream of the config: what is known of its shards, and those that live here. */
export class ManagedStream {
  /** What a person wants. */
  wanted: WantedState = 'running';
  /** Why the last try to run it here failed; null when it did not. */
  failure: InterlockError | null = null;
  health: StreamRow['health'] = null;
  /** Shards that live here. */
  readonly runs = new Map<number, ShardRun>();
  /** Who has the others. */
  held: ReadonlyMap<number, LeaseHeld> = new Map();
  /** What agents wrote of their shards. */
  entries: ReadonlyMap<number, RegistryEntry> = new Map();
  private stored: StoredPlan | undefined;
  private subscribed = 0;
  private readonly hoursWatch: HoursWatch | undefined;
  private shards: Promise<ShardContext> | undefined;
  /** When the next connection may begin for the first time, by the monotonic clock. */
  private nextStartAt = 0;

  constructor(
    readonly name: string,
    readonly config: StreamConfig,
    private readonly context: StreamContext,
    private readonly events: StreamEvents,
  ) {
    const { hours } = config;
    this.hoursWatch = hours === undefined ? undefined : new HoursWatch(hours);
  }

  get plan(): StoredPlan | undefined {
    return this.stored;
  }

  set plan(stored: StoredPlan | undefined) {
    this.stored = stored;
    this.subscribed = stored?.plan.shards.reduce((sum, { length }) => sum + length, 0) ?? 0;
  }

  /** Symbols of all shards together. */
  get subscribedCount(): number {
    return this.subscribed;
  }

  /** Whether it is within its hours. */
  hours(): HoursState {
    return this.hoursWatch?.at(this.context.clock.now()) ?? { open: true, untilMs: Infinity };
  }

  /** What the health check compares the registry with. */
  healthSubject(): HealthSubject {
    const { hours, staleAfter: staleAfterMs, expireAfter: expireAfterMs } = this.config;
    const state = this.hours();
    const timezone = hours?.timezone ?? 'UTC';
    return {
      ...{ name: this.name, wanted: this.wanted === 'running', shards: this.shardNumbers() },
      sleep: state.open ? null : { untilMs: state.untilMs, timezone },
      ...{ staleAfterMs, expireAfterMs },
    };
  }

  get shouldRun(): boolean {
    return this.wanted === 'running' && this.hours().open;
  }

  /** Numbers of the shards that have symbols. */
  shardNumbers(): number[] {
    const shards = this.plan?.plan.shards ?? [];
    return shards.flatMap((symbols, shard) => (symbols.length > 0 ? [shard] : []));
  }

  symbolsOf(shard: number): readonly string[] {
    return this.plan?.plan.shards[shard] ?? [];
  }

  /** @throws InterlockError `bad_config` when the adapter can not be used */
  async planRules(): Promise<PlanRules> {
    const { adapter, limits } = await this.shardContext();
    const { symbolsPerConnection: most = Infinity } = limits;
    return {
      perConnection: Math.min(this.config.symbolsPerConnection, most),
      maxSymbols: this.config.maxSymbols,
      normalise: (symbol) => adapter.normalise?.(symbol) ?? normaliseSymbol(symbol),
    };
  }

  /**
   * Asks for the lease of a shard, and runs it here when it is ours. Never rejects.
   * @param isMove it ran elsewhere a moment ago: it begins at once
   * @param standby a connection for it that was made ahead, for a handover that did not come
   */
  async begin(shard: number, isMove: boolean, standby?: Standby): Promise<boolean> {
    try {
      const shards = await this.shardContext();
      const answer = await this.acquire(shard);
      this.failure = null;
      if (!answer.acquired) {
        this.held = new Map(this.held).set(shard, answer.held);
        standby?.cancel();
        return false;
      }
      if (answer.takenOverFrom !== null) {
        shards.venue.forget(answer.takenOverFrom.agentId);
        this.events.onTakeover(shard, answer.takenOverFrom);
      }
      const sent = await this.context.progress.read(this.name, shard).catch(() => ({}));
      const start =
        standby === undefined
          ? { delayMs: isMove ? 0 : this.takeStartDelayMs() }
          : { ready: standby.takeUp() };
      const run = new ShardRun(shard, answer.lease, this.symbolsOf(shard), shards, start);
      // What a holder sent before it was killed: what has been missing since is told.
      run.ledger.continueFrom(sent);
      if (standby !== undefined) run.takeOver(sent, standby.kept(Infinity));
      this.run(run);
      return true;
    } catch (error) {
      standby?.cancel();
      this.fail(error);
      return false;
    }
  }

  /** A second connection for a shard that is to be handed over to this agent. */
  async standby(
    shard: number,
    make: (symbols: readonly string[], context: ShardContext) => Standby,
  ): Promise<Standby> {
    return make(this.symbolsOf(shard), await this.shardContext());
  }

  /** The shard was handed over to this agent. @returns false when it is another's by now, or is to end */
  async takeUp(
    standby: Standby,
    passed: Omit<PassedLease, 'name' | 'ttlMs' | 'token'>,
    { lastSeqs, heldBackMs }: { lastSeqs: Record<string, number>; heldBackMs: number },
  ): Promise<boolean> {
    const { leases, leaseTtlMs: ttlMs = STREAM_LEASE_TTL_MS } = this.context;
    const { shard, token } = standby;
    const name = shardLease(this.name, shard);
    const lease = await leases.adopt({ ...passed, name, token, ttlMs });
    if (lease === undefined) return false;
    if (!this.shouldRun) {
      await lease.release();
      return false;
    }
    const ready = standby.takeUp();
    const run = new ShardRun(shard, lease, this.symbolsOf(shard), await this.shardContext(), {
      ready,
    });
    run.takeOver(lastSeqs, standby.kept(heldBackMs));
    this.run(run);
    return true;
  }

  /**
   * Asks for the lease of a shard that was lost here, while Redis was away or this process slept.
   * With nobody in between it goes on as if nothing had been. Never rejects.
   */
  async regain(run: ShardRun): Promise<void> {
    const { shard, lease } = run;
    try {
      const answer = await this.acquire(shard);
      if (!answer.acquired) {
        // Our own acquisition may still stand there, when nobody could tell us that it was renewed.
        if (answer.held.holder.agentId === this.context.holder.agentId) return;
        this.held = new Map(this.held).set(shard, answer.held);
        this.lose(run, 'another agent has its lease');
      } else if (answer.fenceBefore <= lease.fence || (await this.sentLast(run))) {
        this.watch(run, answer.lease);
        run.regained(answer.lease);
        this.context.logger.warn({ stream: this.name, shard }, 'lease lost and regained');
      } else {
        await answer.lease.release();
        this.lose(run, 'another agent had its lease meanwhile');
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whoever had the lease meanwhile sent nothing; maybe it was this agent, and the answer got lost. */
  private async sentLast(run: ShardRun): Promise<boolean> {
    const last = await this.context.progress.lastBatch(this.name, run.shard);
    return last?.startsWith(run.batchPrefix) === true;
  }

  /** Symbols of the plan reach the connections, and shards without any end. */
  syncSymbols(): Promise<unknown> {
    const ended: Promise<void>[] = [];
    for (const [shard, run] of this.runs) {
      const symbols = this.symbolsOf(shard);
      if (symbols.length > 0) run.setSymbols(symbols);
      else ended.push(this.end(shard));
    }
    return Promise.all(ended);
  }

  /**
   * Ends a shard that lives here, and gives its lease free. Never rejects.
   * @param isWanted others should go on with it: then it is kept how far it came
   */
  async end(
    shard: number,
    deadlineMs: number = FLUSH_DEADLINE_MS,
    isWanted = false,
  ): Promise<void> {
    const run = this.runs.get(shard);
    if (run === undefined) return;
    this.runs.delete(shard);
    await run.stop(deadlineMs, isWanted);
    this.events.onChange();
  }

  async endAll(deadlineMs: number = FLUSH_DEADLINE_MS, isWanted = false): Promise<void> {
    this.failure = null;
    const shards = [...this.runs.keys()];
    await Promise.all(shards.map((shard) => this.end(shard, deadlineMs, isWanted)));
  }

  /** Another agent goes on with it. */
  passedOn(run: ShardRun): void {
    if (this.runs.get(run.shard) === run) this.runs.delete(run.shard);
    run.passedOn();
    this.events.onChange();
  }

  /** The adapter is read anew, and connections may begin at once. */
  forget(): void {
    this.shards = undefined;
    this.nextStartAt = 0;
    this.failure = null;
  }

  private run(run: ShardRun): void {
    this.runs.set(run.shard, run);
    this.watch(run, run.lease);
    this.events.onChange();
  }

  private watch(run: ShardRun, lease: PassableLease): void {
    const { shard } = run;
    const onLost = () => {
      if (this.runs.get(shard) !== run || run.lease !== lease) return;
      const trouble = messageOf(lease.signal.reason);
      this.context.logger.error({ stream: this.name, shard, trouble }, 'lease lost');
      this.events.onChange();
    };
    if (lease.signal.aborted) onLost();
    else lease.signal.addEventListener('abort', onLost, { once: true });
  }

  private lose(run: ShardRun, why: string): void {
    if (this.runs.get(run.shard) === run) this.runs.delete(run.shard);
    run.abandon(why);
    this.context.logger.error({ stream: this.name, shard: run.shard, why }, 'shard given up');
    this.events.onChange();
  }

  private acquire(shard: number) {
    const { leases, leaseTtlMs: ttlMs = STREAM_LEASE_TTL_MS } = this.context;
    const name = shardLease(this.name, shard);
    const subject = name.slice('stream:'.length);
    return leases.acquire({ name, kind: 'stream', subject, ttlMs });
  }

  /** Connections that begin for the first time do so one after the other. */
  private takeStartDelayMs(): number {
    const now = this.context.clock.monotonic();
    const at = Math.max(now, this.nextStartAt);
    this.nextStartAt = at + this.config.connectionDelay;
    return at - now;
  }

  private shardContext(): Promise<ShardContext> {
    this.shards ??= this.makeShardContext().catch((error: unknown) => {
      this.shards = undefined;
      throw error;
    });
    return this.shards;
  }

  private async makeShardContext(): Promise<ShardContext> {
    const { workspace, loadModule, venues, turnTime, progress, clock, random, enqueuing, timings } =
      this.context;
    const { url, adapter: wanted, buffer, tls = {} } = this.config;
    const choice = { adapter: wanted, url, workspace, clock, loadModule };
    const adapter = await adapterOfStream(choice);
    const limits = { ...adapter.limits, ...this.config.limits };
    return {
      ...{ stream: this.name, config: this.config, adapter, limits, enqueuing, clock, random },
      ...{ venue: venues.of(url, limits), turnTime, timings, progress },
      tls: readTlsFiles(`streams.${this.name}.tls`, workspace, tls),
      budget: new BufferBudget({ ticks: buffer.ticks, diskBytes: buffer.diskBytes }),
      spillFolder: (shard, run) => this.spillFolder(shard, run),
      logger: this.context.logger.child({ stream: this.name }),
      onChange: () => this.events.onChange(),
      onGaps: (shard, gaps) => this.events.onGaps(shard, gaps),
      onDropped: (shard, count, why) => this.events.onDropped(shard, count, why),
    };
  }

  private spillFolder(shard: number, run: number): string | null {
    const { spillFolder, holder } = this.context;
    return spillFolder === null ? null : spillFolderOf(spillFolder, this.name, shard, run, holder);
  }

  /** Why it can not run here, where people look for it. */
  fail(thrown: unknown): void {
    const failure = toInterlockError(thrown);
    if (this.failure?.message !== failure.message) {
      this.context.logger.error({ stream: this.name, trouble: messageOf(thrown) }, 'not running');
    }
    this.failure = failure;
    this.events.onChange();
  }
}
