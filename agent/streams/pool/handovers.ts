import type { Clock } from '../../common/clock.ts';
import { deferred, type Deferred } from '../../common/deferred.ts';
import { messageOf } from '../../common/errors.ts';
import type { LeaseHeir } from '../../leases/lease.ts';
import type { Logger } from '../../logging.ts';
import type { Holder } from '../../protocol/decision.ts';
import type { AskOf, Asks } from './asks.ts';
import type { ManagedStream } from './managedStream.ts';
import { shardLease } from './shardLease.ts';
import { Standby } from './standby.ts';

/** The other agent has a live connection by then, or the shard stays here. */
const READY_WITHIN_MS = 8_000;
/** For the ticks that wait when the other is ready. */
const DRAIN_MS = 2_000;
const LEAVES = 'It leaves.';
const NOT_RUN = 'It does not run this stream now.';

/** A shard on its way in: a second connection, which becomes its only one. */
interface Arrival {
  ask: AskOf<'take'>;
  standby: Standby;
  /** Its holder was told that it may hand over. */
  isReady: boolean;
  /** It runs here, or will not. */
  over: Deferred<undefined>;
}

export interface HandoversOptions {
  asks: Asks;
  /** Who this agent is. */
  holder: Holder;
  clock: Clock;
  logger: Logger;
  streamOf: (name: string) => ManagedStream | undefined;
}

/**
 * Moves shards between agents that live: the new connection first, then the lease, then the old
 * connection closes. So no tick is lost, and what both bring is told apart by its numbers.
 */
export class Handovers {
  /** Shards on their way out, by the name of their lease. */
  private readonly leaving = new Map<string, Deferred<LeaseHeir | undefined>>();
  private readonly coming = new Map<string, Arrival>();
  private readonly arrivals = new Set<Arrival>();
  private refusing = false;

  constructor(private readonly options: HandoversOptions) {}

  isMoving(stream: string, shard: number): boolean {
    return this.isLeaving(stream, shard) || this.coming.has(shardLease(stream, shard));
  }

  isLeaving(stream: string, shard: number): boolean {
    return this.leaving.has(shardLease(stream, shard));
  }

  /** The second connection of a shard whose holder gave the lease free, or died, before the handover. */
  claim(stream: string, shard: number): Standby | undefined {
    const name = shardLease(stream, shard);
    const arrival = this.coming.get(name);
    if (arrival !== undefined) this.arrived(arrival);
    return arrival?.standby;
  }

  /**
   * Hands a shard of this agent over to another. Never rejects.
   * @returns false when it stayed here: the other one could not take it
   */
  async give(stream: ManagedStream, shard: number, to: string): Promise<boolean> {
    const name = shardLease(stream.name, shard);
    if (this.leaving.has(name) || !stream.runs.has(shard)) return false;
    const ready = deferred<LeaseHeir | undefined>();
    this.leaving.set(name, ready);
    const { asks, clock, holder, logger } = this.options;
    const timer = clock.setTimeout(() => ready.resolve(undefined), READY_WITHIN_MS);
    try {
      const from = holder.agentId;
      await asks.tell({ ask: 'take', stream: stream.name, shard, to, from });
      const heir = await ready.promise;
      return heir !== undefined && (await this.pass(stream, shard, heir));
    } catch (error) {
      logger.warn({ stream: stream.name, shard, why: messageOf(error) }, 'not handed over');
      return false;
    } finally {
      timer.cancel();
      this.leaving.delete(name);
    }
  }

  onTake(ask: AskOf<'take'>): void {
    if (ask.to !== this.options.holder.agentId) return;
    this.prepare(ask).catch((error: unknown) => this.decline(ask, messageOf(error)));
  }

  onReady({ stream, shard, to, heir }: AskOf<'ready'>): void {
    if (to !== this.options.holder.agentId) return;
    this.leaving.get(shardLease(stream, shard))?.resolve(heir);
  }

  onDeclined({ stream, shard, to, why }: AskOf<'declined'>): void {
    if (to !== this.options.holder.agentId) return;
    this.options.logger.info({ stream, shard, why }, 'the other agent can not take the shard');
    this.leaving.get(shardLease(stream, shard))?.resolve(undefined);
  }

  async onPassed(ask: AskOf<'passed'>): Promise<void> {
    const { stream, shard, to, token, fence, acquiredAtMs } = ask;
    const name = shardLease(stream, shard);
    const arrival = this.coming.get(name);
    if (to !== this.options.holder.agentId || arrival?.standby.token !== token) return;
    this.coming.delete(name);
    const { standby } = arrival;
    try {
      const known = this.options.streamOf(stream);
      const taken = await known?.takeUp(standby, { fence, acquiredAtMs }, ask);
      if (taken !== true) standby.cancel();
    } finally {
      this.arrived(arrival);
    }
  }

  /**
   * This agent leaves: it takes nothing more. What was promised may be on its way already.
   * @returns when that is here, and can be handed on
   */
  async refuse(): Promise<void> {
    this.refusing = true;
    for (const arrival of this.coming.values()) {
      if (!arrival.isReady) this.giveUp(arrival, LEAVES);
    }
    await Promise.all([...this.arrivals].map(({ over }) => over.promise));
  }

  /** Nothing comes in any more. */
  close(): void {
    for (const arrival of this.coming.values()) {
      arrival.standby.cancel();
      this.arrived(arrival);
    }
  }

  /** The other one is live: from here on its ticks count. */
  private async pass(stream: ManagedStream, shard: number, heir: LeaseHeir): Promise<boolean> {
    const run = stream.runs.get(shard);
    if (run === undefined) return false;
    await run.allRead();
    if (stream.runs.get(shard) !== run || run.lease.signal.aborted) return false;
    const lastSeqs = run.holdBack();
    if (!(await run.batcher.drain(DRAIN_MS))) {
      run.goOn();
      return false;
    }
    const { agentId: to } = heir.holder;
    const passed = await run.lease
      .passTo(heir, {
        ...{ ask: 'passed', stream: stream.name, shard, to, token: heir.token },
        ...{ lastSeqs, heldBackMs: run.heldBackMs },
      })
      .catch((error: unknown) => {
        // Nobody knows who has it now: it is asked for again, and what was held back is kept.
        run.goOn();
        throw error;
      });
    if (passed) stream.passedOn(run);
    else run.goOn();
    return passed;
  }

  private async prepare(ask: AskOf<'take'>): Promise<void> {
    const { asks, holder, streamOf } = this.options;
    const name = shardLease(ask.stream, ask.shard);
    const stream = streamOf(ask.stream);
    const why = this.refusing ? LEAVES : whyNot(stream, ask.shard);
    if (stream === undefined || why !== undefined) {
      await this.decline(ask, why ?? NOT_RUN);
      return;
    }
    if (this.coming.has(name)) return;
    const standby = await stream.standby(
      ask.shard,
      (symbols, context) =>
        new Standby(ask.shard, symbols, context, {
          onReady: () => {
            arrival.isReady = true;
            const heir = { token: arrival.standby.token, holder };
            const { stream: of, shard, from: to } = ask;
            void asks.tell({ ask: 'ready', stream: of, shard, to, heir }).catch(() => undefined);
          },
          onGaveUp: (reason) => this.giveUp(arrival, reason),
        }),
    );
    const arrival: Arrival = { ask, standby, isReady: false, over: deferred() };
    this.coming.set(name, arrival);
    this.arrivals.add(arrival);
    // It may have begun to leave meanwhile.
    if (this.refusing) this.giveUp(arrival, LEAVES);
    else standby.start();
  }

  private giveUp(arrival: Arrival, why: string): void {
    const { ask, standby } = arrival;
    if (this.coming.get(shardLease(ask.stream, ask.shard)) !== arrival) return;
    this.arrived(arrival);
    standby.cancel();
    void this.decline(ask, why);
  }

  private arrived(arrival: Arrival): void {
    const name = shardLease(arrival.ask.stream, arrival.ask.shard);
    if (this.coming.get(name) === arrival) this.coming.delete(name);
    this.arrivals.delete(arrival);
    arrival.over.resolve(undefined);
  }

  private async decline({ stream, shard, from: to }: AskOf<'take'>, why: string): Promise<void> {
    await this.options.asks
      .tell({ ask: 'declined', stream, shard, to, why })
      .catch(() => undefined);
  }
}

function whyNot(stream: ManagedStream | undefined, shard: number): string | undefined {
  if (stream?.shouldRun !== true || stream.symbolsOf(shard).length === 0) return NOT_RUN;
  return stream.runs.has(shard) ? 'It runs the shard already.' : undefined;
}
