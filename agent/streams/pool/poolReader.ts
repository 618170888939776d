import type { LeaseHeld, PassableLeases } from '../../leases/lease.ts';
import { applyConfigured } from '../symbols/symbolPlan.ts';
import type { SymbolStore } from '../symbols/symbolStore.ts';
import type { ManagedStream } from './managedStream.ts';
import { shardLease } from './shardLease.ts';
import type { StreamRegistry } from './streamRegistry.ts';
import type { WantedState, WantedStore } from './wantedStore.ts';

export interface PoolReaderOptions {
  leases: PassableLeases;
  symbols: SymbolStore;
  wantedStore: WantedStore;
  registry: StreamRegistry;
  /** Redis' time, epoch ms. */
  nowMs: () => Promise<number>;
}

export interface PoolFacts {
  /** Redis' time, epoch ms. */
  nowMs: number;
  wanted: Record<string, WantedState>;
}

/** Reads from Redis everything that decides who runs what. */
export class PoolReader {
  constructor(private readonly options: PoolReaderOptions) {}

  /** @throws InterlockError `redis_unreachable` */
  async read(streams: readonly ManagedStream[]): Promise<PoolFacts> {
    const { nowMs, wantedStore, symbols } = this.options;
    const [now, wanted, revisions] = await Promise.all([
      nowMs(),
      wantedStore.get(),
      symbols.revisions(streams.map(({ name }) => name)),
    ]);
    for (const stream of streams) await this.readPlan(stream, revisions.get(stream.name) ?? 0);
    await Promise.all(streams.map((stream) => this.readHolders(stream)));
    return { nowMs: now, wanted };
  }

  /** The same for an agent that runs no streams: it loads no adapter, and brings nothing into a plan. */
  async look(streams: readonly ManagedStream[]): Promise<PoolFacts> {
    const { nowMs, wantedStore, symbols } = this.options;
    const [now, wanted, revisions] = await Promise.all([
      nowMs(),
      wantedStore.get(),
      symbols.revisions(streams.map(({ name }) => name)),
    ]);
    const readOne = async (stream: ManagedStream) => {
      const revision = revisions.get(stream.name) ?? 0;
      if (stream.plan?.revision !== revision) stream.plan = await symbols.read(stream.name);
      await this.readHolders(stream);
    };
    await Promise.all(streams.map(readOne));
    return { nowMs: now, wanted };
  }

  /** An agent brings its config into the plan once; from then on it follows the plan. */
  private async readPlan(stream: ManagedStream, revision: number): Promise<void> {
    const { symbols } = this.options;
    if (stream.plan !== undefined && revision > 0) {
      if (stream.plan.revision === revision) return;
      stream.plan = (await symbols.read(stream.name)) ?? stream.plan;
      return;
    }
    const rules = await stream.planRules().catch((error: unknown) => {
      stream.fail(error);
      return undefined;
    });
    if (rules === undefined) return;
    stream.plan = await symbols.change(stream.name, (before) => ({
      plan: applyConfigured(before ?? stream.plan?.plan, stream.config.symbols, rules),
    }));
  }

  /** Of the shards that do not run here: those that do know best. */
  private async readHolders(stream: ManagedStream): Promise<void> {
    const shards = stream.shardNumbers().filter((shard) => !stream.runs.has(shard));
    const names = shards.map((shard) => shardLease(stream.name, shard));
    const { leases, registry } = this.options;
    const [holders, entries] = await Promise.all([
      leases.holders(names),
      registry.read(stream.name, shards),
    ]);
    const held = new Map<number, LeaseHeld>();
    for (const [index, shard] of shards.entries()) {
      const holder = holders.get(names[index] ?? '');
      if (holder !== undefined) held.set(shard, holder);
    }
    stream.held = held;
    stream.entries = entries;
  }
}
