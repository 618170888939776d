import type { Timer } from '../../common/clock.ts';
import { InterlockError, messageOf } from '../../common/errors.ts';
import { within } from '../../common/within.ts';
import type { StreamConfig } from '../../config/schema.ts';
import type { SymbolsChange } from '../../protocol/api.ts';
import type { Decision, DecisionAction } from '../../protocol/decision.ts';
import type { StreamRow, SymbolRow } from '../../protocol/model.ts';
import type { Gap } from '../adapters/adapter.ts';
import { addSymbols, removeSymbols, wantedOf, type PlanChange } from '../symbols/symbolPlan.ts';
import { GapRecorder } from './gapRecorder.ts';
import type { ManagedStream } from './managedStream.ts';
import { RegistryBeat } from './registryBeat.ts';
import { shardLease } from './shardLease.ts';
import { StreamHealth } from './streamHealth.ts';
import { StreamPool, type CloseBounds, type StreamPoolOptions } from './streamPool.ts';
import { streamRow } from './streamRow.ts';
import { symbolRows } from './symbolRows.ts';

/** How often figures that only count are told: less often the more connections there are. */
const FIGURES_EVERY_MS = 500;
const CONNECTIONS_PER_TELL = 50;
/** How soon a change of state is told. */
const SOON_MS = 20;
/** For what the registry is told at the end. */
const LAST_WORD_MS = 200;

export type StreamDecision = Omit<Decision, 'id' | 'at' | 'counts'>;

export interface StreamServiceOptions extends Omit<StreamPoolOptions, 'eventsOf'> {
  streams: Record<string, StreamConfig>;
  /** Between two health checks. */
  healthEveryMs: number;
  recordDecision: (decision: StreamDecision) => Promise<Decision>;
  /** A row is there or changed. */
  onChange: (row: StreamRow) => void;
  /** A stream is no longer in the config. */
  onRemove: (name: string) => void;
}

/** The streams of the config, as clients see and steer them: every answer is a decision. */
export class StreamService {
  readonly pool: StreamPool;
  /** The last row told of each stream, as JSON. */
  private readonly told = new Map<string, string>();
  private readonly gaps: GapRecorder;
  private readonly beat: RegistryBeat;
  private readonly health: StreamHealth;
  private figuresTimer: Timer | undefined;
  private soonTimer: Timer | undefined;
  private closed = false;

  constructor(private readonly options: StreamServiceOptions) {
    this.gaps = new GapRecorder(options);
    const streams = () => this.pool.streams.values();
    this.beat = new RegistryBeat({ ...options, streams });
    this.health = new StreamHealth({
      ...options,
      everyMs: options.healthEveryMs,
      streams: () => [...streams()].map((stream) => stream.healthSubject()),
      restart: () => this.pool.wake(),
      onSummary: ({ stream, health }) => this.onHealth(stream, health),
    });
    this.pool = new StreamPool({
      ...options,
      eventsOf: (stream) => ({
        onChange: () => this.tellSoon(),
        onTakeover: (shard, from) => {
          const facts = { reason: 'holder_dead', holder: from } as const;
          this.inBackground(this.record('takeover', stream(), facts, shard));
        },
        onGaps: (shard: number, gaps: readonly Gap[]) => this.gaps.add(stream().name, shard, gaps),
        onDropped: (shard, count, why) => {
          const remedy = `${count} ticks were dropped: ${why}. Look at Redis, or raise "buffer" of the stream.`;
          const facts = { outcome: 'refused', reason: 'ticks_dropped', remedy } as const;
          this.inBackground(this.record('gap', stream(), facts, shard));
        },
      }),
    });
  }

  /** Begins to run what is wanted. Never rejects: with Redis away, the rows say so. */
  async open(): Promise<void> {
    this.tellFigures();
    await this.pool.open(this.options.streams);
    this.beat.start();
    this.health.start();
  }

  /** A lease may be free, or an agent asks for something: looks at once. */
  wake(): void {
    this.pool.wake();
  }

  rows(): StreamRow[] {
    return [...this.pool.streams.values()].map((stream) => this.row(stream));
  }

  /** @throws InterlockError `not_found`, `redis_unreachable`, `bad_config` when it can not run */
  async start(name: string): Promise<Decision> {
    const stream = this.find(name);
    const hadFailed = stream.failure !== null;
    const before = await this.pool.wish(stream, 'running');
    await this.pool.reconcile();
    const hours = stream.hours();
    if (!hours.open) return this.asleep(stream, hours.untilMs);
    if (stream.failure !== null) throw stream.failure;
    // Of all clicks, here and elsewhere, one found it stopped.
    if (before === 'running' && !hadFailed) return this.alreadyRunning(stream);
    return this.record('start_stream', stream, {});
  }

  /** Stops it wherever it runs. @throws InterlockError `not_found`, `redis_unreachable` */
  async stop(name: string): Promise<Decision> {
    const stream = this.find(name);
    const { state, holder } = this.row(stream);
    await this.pool.wish(stream, 'stopped');
    await this.pool.reconcile();
    if (state === 'stopped') {
      const remedy = 'Nothing is to be done: it is stopped. Start it when it should run.';
      const facts = { outcome: 'refused', reason: 'not_running', remedy } as const;
      return this.record('stop_stream', stream, facts);
    }
    const remedy =
      state === 'elsewhere' ? 'The agents that hold it stop it within about a second.' : null;
    return this.record('stop_stream', stream, { holder, remedy });
  }

  /**
   * Ends every connection of it and begins anew, wherever it runs.
   * @throws InterlockError `not_found`, `redis_unreachable`, `bad_config` when it can not run
   */
  async restart(name: string): Promise<Decision> {
    const stream = this.find(name);
    const { holder } = this.row(stream);
    await this.pool.wish(stream, 'running');
    stream.forget();
    const elsewhere = [...stream.held.keys()].some((shard) => !stream.runs.has(shard));
    await stream.endAll();
    if (elsewhere) await this.options.asks.tell({ ask: 'restart', stream: name, shard: null });
    await this.pool.reconcile();
    if (stream.failure !== null) throw stream.failure;
    const remedy = elsewhere ? 'Other agents that hold a part of it restart that too.' : null;
    return this.record('restart_stream', stream, { remedy, ...(elsewhere ? { holder } : {}) });
  }

  /** Tries again what is suspended. @throws InterlockError `not_found`, `redis_unreachable` */
  async resume(name: string, shard?: number): Promise<Decision> {
    const stream = this.find(name);
    const rows = this.shardsOf(stream, shard);
    if (rows.every(({ state }) => state !== 'suspended')) {
      const remedy = 'Nothing is to be done: no connection of it is suspended.';
      const facts = { outcome: 'refused', reason: 'not_suspended', remedy } as const;
      return this.record('resume_stream', stream, facts, shard);
    }
    await this.options.asks.tell({ ask: 'resume', stream: name, shard: shard ?? null });
    this.pool.wake();
    return this.record('resume_stream', stream, {}, shard);
  }

  /** Replaces connections, the new one first. @throws InterlockError `not_found`, `redis_unreachable` */
  async rotate(name: string, shard?: number): Promise<Decision> {
    const stream = this.find(name);
    const rows = this.shardsOf(stream, shard);
    if (rows.every(({ state }) => state !== 'live' && state !== 'stale')) {
      const remedy = 'Only a live connection can be replaced. Look at why it is not.';
      const facts = { outcome: 'refused', reason: 'not_running', remedy } as const;
      return this.record('rotate_stream', stream, facts, shard);
    }
    await this.options.asks.tell({ ask: 'rotate', stream: name, shard: shard ?? null });
    this.pool.wake();
    return this.record('rotate_stream', stream, {}, shard);
  }

  /** @throws InterlockError `not_found`, `redis_unreachable`, `bad_config` */
  addSymbols(name: string, symbols: readonly string[]): Promise<SymbolsChange> {
    return this.changeSymbols(name, (plan, rules) => addSymbols(plan, symbols, rules));
  }

  /** @throws InterlockError `not_found`, `redis_unreachable`, `bad_config` */
  removeSymbols(name: string, symbols: readonly string[]): Promise<SymbolsChange> {
    return this.changeSymbols(name, (plan, rules) => removeSymbols(plan, symbols, rules));
  }

  /** A page of the symbols of a stream. @throws InterlockError `not_found` */
  async symbols(
    params: Parameters<typeof symbolRows>[1] & { name: string },
  ): Promise<{ rows: SymbolRow[]; total: number }> {
    return symbolRows(this.find(params.name), params);
  }

  /** Restarts the streams whose settings changed, ends those that are gone, begins the others. */
  async applyConfig(streams: Record<string, StreamConfig>): Promise<void> {
    for (const name of await this.pool.apply(streams)) {
      this.told.delete(name);
      this.options.onRemove(name);
    }
  }

  /** Hands every shard over or gives it free; bounded, with Redis dead too. */
  async close(bounds: CloseBounds): Promise<void> {
    this.closed = true;
    this.figuresTimer?.cancel();
    this.soonTimer?.cancel();
    await this.pool.close(bounds);
    this.gaps.close();
    const ended = Promise.all([this.health.close(), this.beat.close()]);
    await within(this.options.clock, LAST_WORD_MS, ended);
  }

  private async changeSymbols(
    name: string,
    change: (
      plan: Parameters<typeof addSymbols>[0],
      rules: Parameters<typeof addSymbols>[2],
    ) => PlanChange,
  ): Promise<SymbolsChange> {
    const stream = this.find(name);
    const rules = await stream.planRules();
    const empty = {
      ...{ configured: [], perConnection: rules.perConnection, shards: [], cut: [], aliases: [] },
    };
    const stored = await this.options.symbols.change(name, (before) =>
      change(before ?? stream.plan?.plan ?? empty, rules),
    );
    stream.plan = stored;
    await this.pool.reconcile();
    const { changed, unchanged, cut } = stored.result;
    const remedy =
      cut.length === 0
        ? null
        : `${cut.length} symbols are not subscribed: the stream has ${wantedOf(stored.plan).length}, and "maxSymbols" is ${stream.config.maxSymbols}. Raise it, or remove others.`;
    const decision = await this.record('change_symbols', stream, {
      outcome: changed.length > 0 ? 'accepted' : 'skipped',
      reason: cut.length > 0 ? 'max_symbols' : 'within_limits',
      remedy,
    });
    return { decision, changed, unchanged, cut };
  }

  private onHealth(name: string, health: StreamRow['health']): void {
    const stream = this.pool.streams.get(name);
    if (stream === undefined) return;
    stream.health = health;
    this.tell(stream);
  }

  private row(stream: ManagedStream): StreamRow {
    return streamRow(stream, this.options.holder, this.options.clock.now());
  }

  private shardsOf(stream: ManagedStream, shard: number | undefined): StreamRow['connections'] {
    const rows = this.row(stream).connections;
    const found = shard === undefined ? rows : rows.filter((row) => row.shard === shard);
    if (found.length > 0 || shard === undefined) return found;
    const known = rows.map((row) => row.shard).join(', ') || 'it has none';
    throw new InterlockError({
      code: 'not_found',
      message: `The stream "${stream.name}" has no connection ${shard}.`,
      remedy: `Use one of its connections (${known}).`,
      details: { name: stream.name, shard },
    });
  }

  private find(name: string): ManagedStream {
    if (this.closed) {
      throw new InterlockError({
        code: 'agent_stopping',
        message: `The agent is stopping, and the stream "${name}" with it.`,
        remedy: 'Start the agent again.',
      });
    }
    const stream = this.pool.streams.get(name);
    if (stream !== undefined) return stream;
    const known = [...this.pool.streams.keys()].join(', ') || 'none is declared';
    throw new InterlockError({
      code: 'not_found',
      message: `There is no stream "${name}".`,
      remedy: `Use one of "streams" in the config (${known}).`,
      details: { name },
    });
  }

  private tell(stream: ManagedStream): void {
    if (this.pool.streams.get(stream.name) !== stream) return;
    const row = this.row(stream);
    const text = JSON.stringify(row);
    if (this.told.get(stream.name) === text) return;
    this.told.set(stream.name, text);
    this.options.onChange(row);
  }

  /** Many connections change at one time: that is one row, not one for each. */
  private tellSoon(): void {
    if (this.closed || this.soonTimer !== undefined) return;
    this.soonTimer = this.options.clock.setTimeout(() => {
      this.soonTimer = undefined;
      for (const stream of this.pool.streams.values()) this.tell(stream);
    }, this.intervalMs(SOON_MS));
  }

  /** Less often the more connections there are: a row of 400 takes some milliseconds. */
  private intervalMs(leastMs: number): number {
    let connections = 0;
    for (const { runs } of this.pool.streams.values()) connections += runs.size;
    return leastMs * Math.max(1, connections / CONNECTIONS_PER_TELL);
  }

  private tellFigures(): void {
    if (this.closed) return;
    for (const stream of this.pool.streams.values()) this.tell(stream);
    const delayMs = this.intervalMs(FIGURES_EVERY_MS);
    this.figuresTimer = this.options.clock.setTimeout(() => this.tellFigures(), delayMs);
  }

  private alreadyRunning(stream: ManagedStream): Promise<Decision> {
    const { holder, startedAt } = this.row(stream);
    return this.record('start_stream', stream, {
      ...{ outcome: 'already_running', reason: 'lease_held', holder },
      survivor: { jobId: shardLease(stream.name, 0), state: 'running', since: startedAt },
      remedy: 'Nothing is to be done: it runs. To begin anew, restart it.',
    });
  }

  private asleep(stream: ManagedStream, untilMs: number | null): Promise<Decision> {
    return this.record('start_stream', stream, {
      ...{ outcome: 'skipped', reason: 'outside_hours' },
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
      remedy: 'It begins by itself when its hours begin. To run it now, change "hours".',
    });
  }

  private record(
    action: DecisionAction,
    stream: ManagedStream,
    facts: Partial<StreamDecision>,
    shard = 0,
  ): Promise<Decision> {
    return this.options.recordDecision({
      ...{ action, subject: stream.name, key: shardLease(stream.name, shard) },
      ...{ outcome: 'accepted', reason: 'within_limits' },
      ...{
        jobId: null,
        survivor: null,
        holder: this.row(stream).holder,
        until: null,
        remedy: null,
      },
      ...facts,
    });
  }

  private inBackground(recorded: Promise<unknown>): void {
    recorded.catch((error: unknown) =>
      this.options.logger.warn({ trouble: messageOf(error) }, 'decision not recorded'),
    );
  }
}
