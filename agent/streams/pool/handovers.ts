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

export interface HandoversOptions {
  asks: Asks;
  /** Who this agent is. */
  holder: Holder;
  clock: Clock;
  logger: Logger;
  /** The stream, when this agent may run it now. */
  streamOf: (name: string) => ManagedStream | undefined;
}

/**
 * Moves shards between agents that live: the new connection first, then the lease, then the old
 * connection closes. So no tick is lost, and what both bring is told apart by its numbers.
 */
export class Handovers {
  /** Shards on their way out, by the name of their lease. */
  private readonly leaving = new Map<string, Deferred<LeaseHeir | undefined>>();
  /** Shards on their way in. */
  private readonly coming = new Map<string, Standby>();

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
    const standby = this.coming.get(name);
    this.coming.delete(name);
    return standby;
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
    this.options.logger.warn({ stream, shard, why }, 'the other agent can not take the shard');
    this.leaving.get(shardLease(stream, shard))?.resolve(undefined);
  }

  async onPassed(ask: AskOf<'passed'>): Promise<void> {
    const { stream: streamName, shard, to, token, fence, acquiredAtMs } = ask;
    const name = shardLease(streamName, shard);
    const standby = this.coming.get(name);
    if (to !== this.options.holder.agentId || standby?.token !== token) return;
    this.coming.delete(name);
    const stream = this.options.streamOf(streamName);
    const taken = await stream?.takeUp(standby, { fence, acquiredAtMs }, ask);
    if (taken !== true) standby.cancel();
  }

  /** Nothing comes in any more. */
  close(): void {
    for (const standby of this.coming.values()) standby.cancel();
    this.coming.clear();
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
    if (stream === undefined || stream.symbolsOf(ask.shard).length === 0) {
      await this.decline(ask, 'It does not run this stream now.');
      return;
    }
    if (this.coming.has(name) || stream.runs.has(ask.shard)) return;
    const standby: Standby = await stream.standby(
      ask.shard,
      (symbols, context) =>
        new Standby(ask.shard, symbols, context, {
          onReady: () => {
            const heir = { token: standby.token, holder };
            const { stream: of, shard, from: to } = ask;
            void asks.tell({ ask: 'ready', stream: of, shard, to, heir }).catch(() => undefined);
          },
          onGaveUp: (why) => this.giveUp(ask, standby, why),
        }),
    );
    this.coming.set(name, standby);
  }

  private giveUp(ask: AskOf<'take'>, standby: Standby, why: string): void {
    const name = shardLease(ask.stream, ask.shard);
    if (this.coming.get(name) !== standby) return;
    this.coming.delete(name);
    standby.cancel();
    void this.decline(ask, why);
  }

  private async decline({ stream, shard, from: to }: AskOf<'take'>, why: string): Promise<void> {
    await this.options.asks
      .tell({ ask: 'declined', stream, shard, to, why })
      .catch(() => undefined);
  }
}
