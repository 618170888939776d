import type { Timer } from '../common/clock.ts';
import { sleep } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { StreamConfig } from '../config/schema.ts';
import type { Decision, DecisionAction } from '../protocol/decision.ts';
import type { StreamRow } from '../protocol/model.ts';
import { ManagedStream, type StreamContext } from './managedStream.ts';
import type { WantedState, WantedStore } from './wantedStore.ts';

/** How soon at the latest a stop that was asked of another agent is obeyed. */
const RECONCILE_EVERY_MS = 1_000;
/** The lease of a holder on another host is gone a moment after its end. */
const AFTER_END_MS = 5;
/** How often figures that only count are told. */
const FIGURES_EVERY_MS = 500;

export type StreamDecision = Omit<Decision, 'id' | 'at' | 'counts'>;

export interface StreamServiceOptions extends StreamContext {
  streams: Record<string, StreamConfig>;
  wantedStore: WantedStore;
  recordDecision: (decision: StreamDecision) => Promise<Decision>;
  /** A row is there or changed. */
  onChange: (row: StreamRow) => void;
  /** A stream is no longer in the config. */
  onRemove: (name: string) => void;
}

/** The streams of the config: keeps those that are wanted running here or knows who runs them. */
export class StreamService {
  private readonly streams = new Map<string, ManagedStream>();
  /** The last row told of each stream, as JSON. */
  private readonly told = new Map<string, string>();
  private readonly timers: Partial<Record<'reconcile' | 'figures', Timer>> = {};
  private reconciling = false;
  private wokenMeanwhile = false;
  /** Grows with each start and stop asked here: what was read before does not count any more. */
  private wishes = 0;
  private closed = false;

  constructor(private readonly options: StreamServiceOptions) {
    for (const [name, config] of Object.entries(options.streams)) this.add(name, config);
  }

  /** Begins to run what is wanted. Never rejects: with Redis away, the rows say so. */
  async open(): Promise<void> {
    this.tellFigures();
    await this.reconcileAll();
  }

  /** A lease may be free: looks at once. */
  wake(): void {
    if (this.closed) return;
    if (this.reconciling) {
      this.wokenMeanwhile = true;
      return;
    }
    this.timers.reconcile?.cancel();
    void this.reconcileAll();
  }

  rows(): StreamRow[] {
    return [...this.streams.values()].map((stream) => stream.row());
  }

  /** @throws InterlockError `not_found`, `redis_unreachable`, `bad_config` when it can not run */
  async start(name: string): Promise<Decision> {
    const stream = this.find(name);
    const before = stream.row();
    await this.wish(stream, 'running');
    if (before.state === 'running') return this.alreadyRunning(stream);
    const began = await stream.reconcile();
    if (stream.failure !== null) throw stream.failure;
    // Another agent has it, or another click here was first.
    if (!began) return this.alreadyRunning(stream);
    return this.record('start_stream', stream, {});
  }

  /** Stops it wherever it runs. @throws InterlockError `not_found`, `redis_unreachable` */
  async stop(name: string): Promise<Decision> {
    const stream = this.find(name);
    const { state, holder } = stream.row();
    await this.wish(stream, 'stopped');
    await stream.reconcile();
    if (state === 'stopped') {
      const remedy = 'Nothing is to be done: it is stopped. Start it when it should run.';
      return this.record('stop_stream', stream, {
        ...{ outcome: 'refused', reason: 'not_running', remedy },
      });
    }
    const remedy =
      state === 'elsewhere' ? 'The agent that holds it stops it within about a second.' : null;
    return this.record('stop_stream', stream, { holder, remedy });
  }

  /** @throws InterlockError `not_found`, `redis_unreachable`, `bad_config` when it can not run */
  async restart(name: string): Promise<Decision> {
    const stream = this.find(name);
    const { state, holder } = stream.row();
    if (state === 'elsewhere' && holder !== null) {
      return this.record('restart_stream', stream, {
        ...{ outcome: 'refused', reason: 'lease_held', holder },
        remedy: `Process ${holder.pid} on ${holder.host} runs it. Stop it, which every agent obeys, then start it.`,
      });
    }
    await this.wish(stream, 'running');
    await stream.stopRun();
    await stream.reconcile();
    if (stream.failure !== null) throw stream.failure;
    return this.record('restart_stream', stream, {});
  }

  /** Restarts the streams whose settings changed, ends those that are gone, begins the others. */
  async applyConfig(streams: Record<string, StreamConfig>): Promise<void> {
    const ended: Promise<void>[] = [];
    for (const [name, stream] of this.streams) {
      const config = streams[name];
      if (config !== undefined && JSON.stringify(config) === JSON.stringify(stream.config))
        continue;
      this.streams.delete(name);
      ended.push(stream.stopRun());
      if (config === undefined) {
        this.told.delete(name);
        this.options.onRemove(name);
      }
    }
    await Promise.all(ended);
    for (const [name, config] of Object.entries(streams)) {
      if (!this.streams.has(name)) this.add(name, config);
    }
    await this.readWanted();
    await Promise.all([...this.streams.values()].map((stream) => this.reconcile(stream)));
  }

  /** Stops every run and gives the leases free; with Redis dead it is over at the deadline. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    this.timers.reconcile?.cancel();
    this.timers.figures?.cancel();
    const { clock } = this.options;
    const done = new AbortController();
    const all = [...this.streams.values()].map((stream) => stream.stopRun(deadlineMs / 2));
    await Promise.race([Promise.all(all), sleep(clock, deadlineMs, done.signal)]);
    done.abort();
  }

  private add(name: string, config: StreamConfig): void {
    const stream: ManagedStream = new ManagedStream(name, config, this.options, {
      onChange: () => this.tell(stream),
      onTakeover: (from) => {
        const facts = { reason: 'holder_dead', holder: from } as const;
        this.record('takeover', stream, facts).catch((error: unknown) =>
          this.options.logger.warn({ trouble: messageOf(error) }, 'takeover not recorded'),
        );
      },
    });
    this.streams.set(name, stream);
  }

  private find(name: string): ManagedStream {
    if (this.closed) {
      throw new InterlockError({
        code: 'agent_stopping',
        message: `The agent is stopping, and the stream "${name}" with it.`,
        remedy: 'Start the agent again.',
      });
    }
    const stream = this.streams.get(name);
    if (stream !== undefined) return stream;
    const known = [...this.streams.keys()].join(', ') || 'none is declared';
    throw new InterlockError({
      code: 'not_found',
      message: `There is no stream "${name}".`,
      remedy: `Use one of "streams" in the config (${known}).`,
      details: { name },
    });
  }

  private async wish(stream: ManagedStream, wanted: WantedState): Promise<void> {
    this.wishes += 1;
    await this.options.wantedStore.set(stream.name, wanted);
    this.wishes += 1;
    stream.wanted = wanted;
  }

  private async reconcileAll(): Promise<void> {
    this.reconciling = true;
    await this.readWanted();
    await Promise.all([...this.streams.values()].map((stream) => this.reconcile(stream)));
    this.reconciling = false;
    if (this.closed) return;
    const waitMs = this.wokenMeanwhile ? 0 : this.untilNextEndMs();
    this.wokenMeanwhile = false;
    this.timers.reconcile = this.options.clock.setTimeout(() => void this.reconcileAll(), waitMs);
  }

  /** Another host's lease is taken when it ends, not up to a whole interval later. */
  private untilNextEndMs(): number {
    const ends = [...this.streams.values()].map((stream) => stream.heldTtlMs() + AFTER_END_MS);
    return Math.min(RECONCILE_EVERY_MS, ...ends);
  }

  private async reconcile(stream: ManagedStream): Promise<void> {
    if (!this.closed) await stream.reconcile();
  }

  /** With Redis away, what was read last holds; the lease ends by itself. */
  private async readWanted(): Promise<void> {
    const { wishes } = this;
    const wanted = await this.options.wantedStore.get().catch(() => undefined);
    if (wanted === undefined || wishes !== this.wishes) return;
    for (const [name, stream] of this.streams) stream.wanted = wanted[name] ?? 'running';
  }

  private tell(stream: ManagedStream): void {
    if (this.streams.get(stream.name) !== stream) return;
    const row = stream.row();
    const text = JSON.stringify(row);
    if (this.told.get(stream.name) === text) return;
    this.told.set(stream.name, text);
    this.options.onChange(row);
  }

  private tellFigures(): void {
    if (this.closed) return;
    for (const stream of this.streams.values()) this.tell(stream);
    this.timers.figures = this.options.clock.setTimeout(() => this.tellFigures(), FIGURES_EVERY_MS);
  }

  private alreadyRunning(stream: ManagedStream): Promise<Decision> {
    const { holder, startedAt } = stream.row();
    return this.record('start_stream', stream, {
      ...{ outcome: 'already_running', reason: 'lease_held', holder },
      survivor: { jobId: stream.leaseName, state: 'running', since: startedAt },
      remedy: 'Nothing is to be done: it runs. To begin anew, restart it.',
    });
  }

  private record(
    action: DecisionAction,
    stream: ManagedStream,
    facts: Partial<StreamDecision>,
  ): Promise<Decision> {
    return this.options.recordDecision({
      ...{ action, subject: stream.name, key: stream.leaseName },
      ...{ outcome: 'accepted', reason: 'within_limits' },
      ...{ jobId: null, survivor: null, holder: stream.row().holder, until: null, remedy: null },
      ...facts,
    });
  }
}
