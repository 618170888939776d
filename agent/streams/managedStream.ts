import * as path from 'node:path';
import type { Clock } from '../common/clock.ts';
import { messageOf, toInterlockError, type InterlockError } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import type { StreamConfig } from '../config/schema.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { Lease, LeaseHeld, Leases } from '../leases/lease.ts';
import type { Logger } from '../logging.ts';
import type { Holder } from '../protocol/decision.ts';
import type { ConnectionRow, StreamRow } from '../protocol/model.ts';
import { loadAdapter } from './adapter.ts';
import type { ConnectionTimings } from './connectionState.ts';
import { displayUrl } from './displayUrl.ts';
import { StreamRun } from './streamRun.ts';
import type { WantedState } from './wantedStore.ts';

/** Renewed at a third of it; a stream whose agent is gone is taken over after that at the latest. */
export const STREAM_LEASE_TTL_MS = 5_000;

/** Time for the last batches when a stream is stopped. */
const FLUSH_DEADLINE_MS = 2_000;

/** What every stream of an agent is given. */
export interface StreamContext {
  leases: Leases;
  enqueuing: Enqueuing;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Who this agent is. */
  holder: Holder;
  /** Where paths in the config start. */
  workspace: string;
  /** Loads the module of an adapter, TypeScript or not, from an absolute path. */
  loadModule: (file: string) => Promise<unknown>;
  /** Only for tests: shorter times. */
  timings?: ConnectionTimings;
  leaseTtlMs?: number;
}

/** A stream of the config: runs here while it is wanted and this agent holds its lease. */
export class ManagedStream {
  /** What a person wants. `reconcile` makes it so. */
  wanted: WantedState = 'running';
  /** Why the last try to run it here failed; null when it did not. */
  failure: InterlockError | null = null;
  private run: StreamRun | null = null;
  private held: LeaseHeld | null = null;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    readonly config: StreamConfig,
    private readonly context: StreamContext,
    private readonly events: {
      onChange: () => void;
      onTakeover: (from: Holder) => void;
    },
  ) {}

  get leaseName(): string {
    return `stream:${this.name}`;
  }

  /**
   * Makes what is wanted so, as far as it can be. Calls wait for each other. Never rejects.
   * @returns whether this very call began the run
   */
  async reconcile(): Promise<boolean> {
    let began = false;
    await this.inTurn(async () => {
      if (this.wanted === 'stopped') await this.end(FLUSH_DEADLINE_MS);
      else if (this.run === null) began = await this.begin();
    });
    return began;
  }

  /** Ends the run, when there is one, and gives the lease free. Never rejects. */
  stopRun(deadlineMs: number = FLUSH_DEADLINE_MS): Promise<void> {
    return this.inTurn(() => this.end(deadlineMs));
  }

  /** What was left of another's lease when it was asked for; Infinity when no other has it. */
  heldTtlMs(): number {
    const ttlMs = this.wanted === 'stopped' ? undefined : this.held?.ttlMs;
    return ttlMs === undefined || ttlMs < 0 ? Infinity : ttlMs;
  }

  row(): StreamRow {
    const { run, held, context } = this;
    const connections = run?.connections() ?? this.absentConnections();
    const total = (field: 'messages' | 'ticks' | 'errors') =>
      connections.reduce((sum, connection) => sum + connection[field], 0);
    const since = run?.lease.acquiredAtMs ?? held?.acquiredAtMs;
    return {
      name: this.name,
      url: displayUrl(this.config.url),
      wanted: this.wanted,
      state: this.state(),
      holder: run === null ? (held?.holder ?? null) : context.holder,
      fence: run?.lease.fence ?? held?.fence ?? null,
      startedAt: since === undefined ? null : new Date(since).toISOString(),
      connected: connections.filter(({ state }) => state === 'live' || state === 'stale').length,
      totalMessages: total('messages'),
      totalTicks: total('ticks'),
      totalErrors: total('errors'),
      batches: run?.batches ?? 0,
      connections,
    };
  }

  private state(): StreamRow['state'] {
    if (this.run !== null) return 'running';
    if (this.wanted === 'stopped') return 'stopped';
    return this.held === null ? 'waiting' : 'elsewhere';
  }

  /** A stream that should run here and does not says why, where people look for it. */
  private absentConnections(): ConnectionRow[] {
    if (this.failure === null || this.wanted === 'stopped') return [];
    const trouble = [this.failure.message, this.failure.remedy ?? ''].join(' ').trim();
    return [
      {
        ...{ shard: 0, state: 'closed', symbols: [...this.config.symbols], trouble },
        ...{ messages: 0, ticks: 0, errors: 0, gaps: 0, reconnectAttempts: 0, lastMessageAt: null },
      },
    ];
  }

  /** @returns false when another has it */
  private async begin(): Promise<boolean> {
    const { leases, workspace, loadModule, leaseTtlMs = STREAM_LEASE_TTL_MS } = this.context;
    const file = this.config.adapter;
    const adapter = await loadAdapter(
      file === undefined ? undefined : path.resolve(workspace, file),
      loadModule,
    );
    const answer = await leases.acquire({
      name: this.leaseName,
      kind: 'stream',
      subject: this.name,
      ttlMs: leaseTtlMs,
    });
    this.failure = null;
    if (!answer.acquired) {
      this.held = answer.held;
      return false;
    }
    this.held = null;
    const { lease } = answer;
    if (lease.signal.aborted) throw toInterlockError(lease.signal.reason);
    lease.signal.addEventListener('abort', () => this.onLeaseLost(lease), { once: true });
    if (answer.takenOverFrom !== null) this.events.onTakeover(answer.takenOverFrom);
    this.run = new StreamRun({
      ...{ name: this.name, config: this.config, lease, adapter },
      ...this.context,
      logger: this.context.logger.child({ stream: this.name, fence: lease.fence }),
      onChange: this.events.onChange,
    });
    return true;
  }

  private async end(deadlineMs: number): Promise<void> {
    this.failure = null;
    this.held = null;
    const { run } = this;
    if (run === null) return;
    await run.stop(deadlineMs);
    this.run = null;
  }

  /** Not in turn: whatever else is under way, nothing may leave under a lost lease. */
  private onLeaseLost(lease: Lease): void {
    if (this.run?.lease !== lease) return;
    this.run.abandon();
    this.run = null;
    this.failure = toInterlockError(lease.signal.reason);
    this.context.logger.error({ stream: this.name, trouble: this.failure.message }, 'lease lost');
    this.events.onChange();
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(async () => {
      try {
        await work();
      } catch (error) {
        this.fail(error);
      }
      this.events.onChange();
    });
    return this.turn;
  }

  private fail(thrown: unknown): void {
    const failure = toInterlockError(thrown);
    if (this.failure?.message !== failure.message) {
      this.context.logger.error({ stream: this.name, trouble: messageOf(thrown) }, 'not running');
    }
    this.failure = failure;
    this.held = null;
  }
}
