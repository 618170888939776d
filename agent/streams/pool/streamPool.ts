import type { Timer } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import { within } from '../../common/within.ts';
import type { StreamConfig } from '../../config/schema.ts';
import type { LeaseHeld, PassableLeases } from '../../leases/lease.ts';
import type { AgentEntry } from '../../state/agentRegistry.ts';
import { AskObeyer } from './askObeyer.ts';
import type { Asks } from './asks.ts';
import { Handovers } from './handovers.ts';
import { ManagedStream, type StreamEvents } from './managedStream.ts';
import { heirOf, placeShards, type PlacedShard, type PlacementAgent } from './placement.ts';
import { PoolReader, type PoolReaderOptions } from './poolReader.ts';
import { isRunning } from './registryEntry.ts';
import { shardLease } from './shardLease.ts';
import type { StreamContext } from './streamContext.ts';
import type { WantedState } from './wantedStore.ts';

/** How soon at the latest news is noticed that no push told of. */
const LOOK_EVERY_MS = 1_000;
/** The lease of a holder on another host is gone a moment after its end. */
const AFTER_END_MS = 5;
/** A free shard beyond the share of an agent is left that long to those that have room. */
const SPARE_AFTER_MS = 100;
/** After Redis was away, those who had a shard get it back before others ask for it. */
const GRACE_AFTER_OUTAGE_MS = 1_500;
/** An agent that could not take a shard is not offered another one for that long. */
const NOT_OFFERED_MS = 10_000;
/** Handovers under way at one time when this agent leaves. */
const HANDOVERS_AT_ONCE = 16;

/** For the leases that are given free, beyond the time for the last ticks. */
const RELEASE_MS = 300;

/** How long an agent that leaves goes on with its shards. */
export interface CloseBounds {
  /** Until the agents that stay have them, ms. */
  handOverMs: number;
  /** For what is left of the ticks then, ms. */
  flushMs: number;
  /** Aborted: Redis does not answer, so nobody can take anything. Left out: it answers. */
  silence?: AbortSignal;
}

export interface StreamPoolOptions extends StreamContext, PoolReaderOptions {
  leases: PassableLeases;
  asks: Asks;
  /** The agents of this Redis. */
  agents: () => Promise<AgentEntry[]>;
  /** Tells the other agents which streams this one can run. */
  announce: (streams: readonly string[]) => Promise<void>;
  eventsOf: (stream: () => ManagedStream) => StreamEvents;
}

/** The shards of all streams: makes those run here that should, and moves them when agents come or go. */
export class StreamPool {
  readonly streams = new Map<string, ManagedStream>();
  private readonly handovers: Handovers;
  private readonly reader: PoolReader;
  private readonly obeyer: AskObeyer;
  private timer: Timer | undefined;
  private turn: Promise<void> = Promise.resolve();
  private closed = false;
  private leaving = false;
  private away = false;
  private backAt = -Infinity;
  private readonly spareSince = new Map<string, number>();
  private readonly notOffered = new Map<string, number>();
  /** Grows with each wish told here: what was read of it before does not count any more. */
  private wishes = 0;
  private redisNowMs = 0;

  constructor(private readonly options: StreamPoolOptions) {
    this.handovers = new Handovers({
      ...options,
      streamOf: (name) => this.streams.get(name),
    });
    this.reader = new PoolReader(options);
    this.obeyer = new AskObeyer({
      ...{ asks: options.asks, handovers: this.handovers },
      streamOf: (name) => (this.closed ? undefined : this.streams.get(name)),
      look: () => this.lookIn(0),
    });
  }

  /** Begins to run what is wanted. Never rejects: with Redis away, the rows say so. */
  async open(configs: Record<string, StreamConfig>): Promise<void> {
    for (const [name, config] of Object.entries(configs)) this.add(name, config);
    // Who is announced is offered shards: it must hear that, and know the symbols.
    await this.obeyer.heed();
    await this.reconcile();
    await this.options.announce([...this.streams.keys()]).catch(() => undefined);
  }

  /** A lease may be free, or an agent asks for something: looks at once. */
  wake(): void {
    void this.obeyer.heed();
    this.lookIn(0);
  }

  /** Makes what is wanted so, with what Redis says from now on. Calls wait for each other. Never rejects. */
  reconcile(): Promise<void> {
    this.turn = this.turn.then(() => this.pass());
    return this.turn;
  }

  /**
   * What a person wants of a stream.
   * @returns what was wanted until now
   * @throws InterlockError `redis_unreachable`
   */
  async wish(stream: ManagedStream, wanted: WantedState): Promise<WantedState> {
    this.wishes += 1;
    const before = await this.options.wantedStore.set(stream.name, wanted);
    this.wishes += 1;
    stream.wanted = wanted;
    return before;
  }

  /** Ends the streams that changed or are gone, and begins the others. @returns names of those gone */
  async apply(configs: Record<string, StreamConfig>): Promise<string[]> {
    const gone: string[] = [];
    const ended: Promise<void>[] = [];
    for (const [name, stream] of this.streams) {
      const config = configs[name];
      if (config !== undefined && JSON.stringify(config) === JSON.stringify(stream.config))
        continue;
      this.streams.delete(name);
      ended.push(stream.endAll());
      if (config === undefined) gone.push(name);
    }
    await Promise.all(ended);
    for (const [name, config] of Object.entries(configs)) {
      if (!this.streams.has(name)) this.add(name, config);
    }
    await this.options.announce([...this.streams.keys()]).catch(() => undefined);
    await this.reconcile();
    return gone;
  }

  /**
   * Hands every shard over to the agents that stay, or gives its lease free. A shard lives on here
   * until another agent has it, as long as the bounds allow.
   */
  async close({ handOverMs, flushMs, silence }: CloseBounds): Promise<void> {
    this.leaving = true;
    const othersStay = await this.leave(handOverMs, silence);
    // Where nobody goes on with them, what comes until the next start was not wanted.
    const ended = [...this.streams.values()].map((stream) => stream.endAll(flushMs, othersStay));
    await within(this.options.clock, flushMs + RELEASE_MS, Promise.all(ended));
    this.closed = true;
    this.timer?.cancel();
    this.handovers.close();
  }

  /** @returns whether there are agents that stay */
  private async leave(handOverMs: number, silence?: AbortSignal): Promise<boolean> {
    const { announce, holder, clock } = this.options;
    const arrived = this.handovers.refuse();
    if (this.away) return false;
    const over = new AbortController();
    let othersStay = false;
    const handOver = async () => {
      await announce([]);
      const agents = (await this.agents()).filter(({ id }) => id !== holder.agentId);
      othersStay = agents.length > 0;
      if (!othersStay) return;
      await this.handAllOver(agents, over.signal);
      await arrived;
      await this.handAllOver(agents, over.signal);
    };
    const tried = handOver().catch(() => undefined);
    await within(clock, handOverMs, tried, silence);
    over.abort();
    return othersStay;
  }

  private async handAllOver(agents: PlacementAgent[], signal: AbortSignal): Promise<void> {
    const counts = this.countHolders();
    const waiting = [...this.streams.values()].flatMap((stream) =>
      [...stream.runs.keys()].map((shard) => ({ stream, shard })),
    );
    const next = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        if (signal.aborted) return;
        const { stream, shard } = one;
        const me = this.options.holder.agentId;
        const to = heirOf({ stream: stream.name }, me, agents, counts);
        if (to === undefined) continue;
        counts.set(to, (counts.get(to) ?? 0) + 1);
        await this.handovers.give(stream, shard, to);
      }
    };
    await Promise.all(Array.from({ length: HANDOVERS_AT_ONCE }, next));
  }

  private add(name: string, config: StreamConfig): void {
    const stream: ManagedStream = new ManagedStream(
      name,
      config,
      this.options,
      this.options.eventsOf(() => stream),
    );
    this.streams.set(name, stream);
  }

  private lookIn(delayMs: number): void {
    if (this.closed) return;
    this.timer?.cancel();
    this.timer = this.options.clock.setTimeout(() => void this.reconcile(), delayMs);
  }

  private async pass(): Promise<void> {
    if (this.closed) return;
    try {
      await this.read();
      this.noteBack();
      void this.obeyer.heed();
    } catch (error) {
      this.noteAway(error);
      this.lookIn(LOOK_EVERY_MS);
      return;
    }
    await Promise.all([...this.streams.values()].map((stream) => this.settle(stream)));
    if (!this.leaving) await this.place();
    this.lookIn(this.untilNextEndMs());
  }

  private async read(): Promise<void> {
    const streams = [...this.streams.values()];
    const { wishes } = this;
    const { nowMs, wanted } = await this.reader.read(streams);
    this.redisNowMs = nowMs;
    if (wishes !== this.wishes) return;
    for (const stream of streams) stream.wanted = wanted[stream.name] ?? 'running';
  }

  private noteAway(error: unknown): void {
    if (!this.away) {
      const why = messageOf(error);
      this.options.logger.warn({ why }, 'Redis is away: streams go on, and their ticks wait');
    }
    this.away = true;
  }

  private noteBack(): void {
    if (this.away) this.backAt = this.options.clock.monotonic();
    this.away = false;
  }

  /** Ends what should not run, gives connections their symbols, and gets lost leases back. */
  private async settle(stream: ManagedStream): Promise<void> {
    if (!stream.shouldRun) {
      await stream.endAll();
      return;
    }
    await stream.syncSymbols();
    const lost = [...stream.runs.values()].filter(({ lease }) => lease.signal.aborted);
    await Promise.all(lost.map((run) => stream.regain(run)));
  }

  private async place(): Promise<void> {
    const agents = await this.agents().catch(() => []);
    const { holder } = this.options;
    const { take, spare, offers } = placeShards(holder.agentId, agents, this.shards());
    const now = this.options.clock.monotonic();
    if (now - this.backAt < GRACE_AFTER_OUTAGE_MS) return;
    await Promise.all([...take, ...this.dueSpare(spare, now)].map((shard) => this.begin(shard)));
    for (const { shard, to } of offers) this.offer(shard, to);
  }

  private async begin({ stream: name, shard }: PlacedShard): Promise<void> {
    const stream = this.streams.get(name);
    if (stream === undefined || this.handovers.isLeaving(name, shard)) return;
    const entry = stream.entries.get(shard);
    const { staleAfter } = stream.config;
    const isMove = entry !== undefined && isRunning(entry, this.redisNowMs, staleAfter);
    await stream.begin(shard, isMove, this.handovers.claim(name, shard));
  }

  /** A failed stream is not offered round: what is wrong with it is so everywhere, or here alone. */
  private offer({ stream: name, shard }: PlacedShard, to: string): void {
    const stream = this.streams.get(name);
    const now = this.options.clock.monotonic();
    if (stream === undefined || this.handovers.isMoving(name, shard)) return;
    if ((this.notOffered.get(to) ?? -Infinity) > now) return;
    void this.handovers.give(stream, shard, to).then((given) => {
      if (!given) this.notOffered.set(to, this.options.clock.monotonic() + NOT_OFFERED_MS);
    });
  }

  /** Shards of the streams that this agent can run, with who has them. */
  private shards(): PlacedShard[] {
    const me = this.options.holder.agentId;
    return [...this.streams.values()]
      .filter((stream) => stream.shouldRun)
      .flatMap((stream) =>
        stream.shardNumbers().map((shard) => ({
          ...{ stream: stream.name, shard },
          holder: stream.runs.has(shard) ? me : holderOf(stream.held.get(shard)),
        })),
      );
  }

  private countHolders(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { holder } of this.shards()) {
      if (holder !== null) counts.set(holder, (counts.get(holder) ?? 0) + 1);
    }
    return counts;
  }

  /** Agents that live and have streams; this one always counts while it stays. */
  private async agents(): Promise<PlacementAgent[]> {
    const { holder } = this.options;
    const others = (await this.options.agents()).filter(
      (agent) =>
        agent.agentId !== holder.agentId &&
        agent.streams.length > 0 &&
        agent.holder?.alive !== false,
    );
    const agents = others.map(({ agentId: id, streams }) => ({ id, streams: new Set(streams) }));
    if (this.leaving) return agents;
    return [...agents, { id: holder.agentId, streams: new Set(this.streams.keys()) }];
  }

  /** Those that nobody with room has taken in time. */
  private dueSpare(spare: readonly PlacedShard[], now: number): PlacedShard[] {
    const names = new Set(spare.map(({ stream, shard }) => shardLease(stream, shard)));
    for (const name of this.spareSince.keys()) if (!names.has(name)) this.spareSince.delete(name);
    const due: PlacedShard[] = [];
    for (const one of spare) {
      const name = shardLease(one.stream, one.shard);
      const since = this.spareSince.get(name) ?? now;
      this.spareSince.set(name, since);
      if (now - since >= SPARE_AFTER_MS) due.push(one);
    }
    return due;
  }

  /** Another host's lease is taken when it ends, not up to a whole interval later. */
  private untilNextEndMs(): number {
    const me = this.options.holder.agentId;
    const ends = [...this.streams.values()]
      .filter((stream) => stream.shouldRun)
      .flatMap((stream) => [...stream.held.values()])
      .filter(({ holder, ttlMs }) => holder.agentId !== me && ttlMs >= 0)
      .map(({ ttlMs }) => ttlMs + AFTER_END_MS);
    const spare = this.spareSince.size > 0 ? [SPARE_AFTER_MS] : [];
    return Math.min(LOOK_EVERY_MS, ...ends, ...spare);
  }
}

/** One that is proven dead holds nothing: its lease is taken over with that proof. */
function holderOf(held: LeaseHeld | undefined): string | null {
  return held === undefined || held.holder.alive === false ? null : held.holder.agentId;
}
