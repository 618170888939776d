import { sleep, type Clock, type Timer } from '../../common/clock.ts';
import { deferred, type Deferred } from '../../common/deferred.ts';
import { InterlockError, toInterlockError } from '../../common/errors.ts';
import type { JsonValue } from '../../common/json.ts';
import type { Random } from '../../common/random.ts';
import type { Config } from '../../config/schema.ts';
import type { Leases } from '../../leases/lease.ts';
import { RedisLeases } from '../../leases/redisLeases.ts';
import type { StoryEvent } from '../../protocol/api.ts';
import type { Decision } from '../../protocol/decision.ts';
import { RedisConnections } from '../../redis/connections.ts';
import { Keys } from '../../redis/keys.ts';
import { redisNowMs } from '../../redis/redisNow.ts';
import { Scripts } from '../../redis/scripts.ts';
import type { RedisTarget } from '../../redis/target.ts';
import { currentHolder } from '../../state/processIdentity.ts';
import { ThrowAwaySpace } from '../throwAwaySpace.ts';
import { Actor } from './actor.ts';
import type { PartName } from './actorMessages.ts';
import type { Story } from './story.ts';
import { StoryKeys, StoryLog, type Telling } from './storyLog.ts';
import type { StoryRecord } from './storyRecord.ts';
import { StoryTail } from './storyTail.ts';
import { Timeline } from './timeline.ts';

/** Processes start slowly on a machine that is busy. */
const READY_DEADLINE_MS = 60_000;
const WAIT_DEADLINE_MS = 20_000;
const TELL_INTERVAL_MS = 50;
const POLL_INTERVAL_MS = 20;

export interface StoryOptions {
  target: RedisTarget;
  config: Config;
  clock: Clock;
  random: Random;
  onEvent(event: StoryEvent): void;
  /** Ends the story; everything is cleaned up all the same. */
  signal: AbortSignal;
}

interface Wait {
  look(): void;
}

/** Where a story is played: its processes, its key space, and what is written down there. */
export class Stage {
  readonly records: StoryRecord[] = [];
  readonly keys: Keys;
  readonly storyKeys: StoryKeys;
  private readonly scripts: Scripts;
  private readonly actors: Actor[] = [];
  private readonly waits = new Set<Wait>();
  private readonly timeline: Timeline;
  private readonly tail: StoryTail;
  private readonly failure: Deferred<never> = deferred();
  /** Redis time at which the story begins; NaN before that is known. */
  zeroMs = NaN;
  private telling: Timer | undefined;
  private decisionsTold: Promise<void> = Promise.resolve();

  private constructor(
    private readonly story: Story,
    private readonly options: StoryOptions,
    private readonly connections: RedisConnections,
    private readonly space: ThrowAwaySpace,
  ) {
    this.failure.promise.catch(() => undefined);
    this.keys = new Keys(space.prefix);
    this.storyKeys = new StoryKeys(space.prefix);
    this.scripts = new Scripts(connections.commands);
    this.timeline = new Timeline(story.time, (event) => options.onEvent(event));
    this.tail = new StoryTail({
      redis: connections.patient('story'),
      ...{ log: this.storyKeys.log, decisions: this.keys.decisions },
      onRecord: (record) => this.take(record),
      onDecision: (decision, atMs) => this.takeDecision(decision, atMs),
      onTrouble: (error) => this.failure.reject(toInterlockError(error)),
    });
  }

  /** @throws InterlockError `redis_unreachable` */
  static async open(story: Story, options: StoryOptions): Promise<Stage> {
    const connections = await RedisConnections.open(options.target, 'interlock-simulation');
    try {
      const { prefix } = options.config.redis;
      const space = await ThrowAwaySpace.open(connections.commands, prefix, options);
      const stage = new Stage(story, options, connections, space);
      stage.tail.start();
      stage.tellRegularly();
      return stage;
    } catch (error) {
      connections.close();
      throw error;
    }
  }

  /** Leases that the story itself takes. */
  get leases(): Leases {
    const { redis, scripts, keys } = this;
    const holder = currentHolder('simulation', 'simulation');
    return new RedisLeases({ redis, scripts, keys, clock: this.options.clock, holder });
  }

  /** For what the story itself puts into Redis, or looks at. */
  get redis() {
    return this.connections.commands;
  }

  get prefix(): string {
    return this.space.prefix;
  }

  /** Starts a process and waits until it is ready. */
  async start(name: string, part: PartName, options: JsonValue = {}): Promise<Actor> {
    const { target } = this.options;
    const environment = { actor: name, target, prefix: this.prefix };
    const actor = Actor.start(part, options, environment, (error) => this.failure.reject(error));
    this.actors.push(actor);
    await this.within(actor.whenReady(), READY_DEADLINE_MS, `${name} to be ready`);
    return actor;
  }

  actorOf(pid: number): string | undefined {
    return this.actors.find((actor) => actor.pid === pid)?.name;
  }

  /** The time of the story begins. @param atMs of Redis; left out: now */
  async begin(atMs?: number): Promise<void> {
    this.zeroMs = atMs ?? (await this.nowMs());
    await this.redis.set(this.storyKeys.zero, this.zeroMs);
    this.timeline.begin(this.zeroMs);
  }

  /** Redis time. */
  nowMs(): Promise<number> {
    return redisNowMs(this.redis);
  }

  tell(actor: string, text: string, telling: Telling = {}): Promise<void> {
    return new StoryLog(this.redis, this.scripts, this.storyKeys, actor).tell(text, telling);
  }

  /** Writes to the resource in the name of a run, as a packet does that was long on its way. */
  async writeLate(actor: string, run: number, fence: number | null): Promise<void> {
    const log = new StoryLog(this.redis, this.scripts, this.storyKeys, actor);
    await log.write(run, fence);
  }

  /** kill -9. */
  async kill(actor: Actor, text: string): Promise<void> {
    await this.tell('person', text, { tone: 'bad', fact: { kind: 'killed' } });
    await actor.kill();
  }

  /** SIGSTOP: the process is there and does nothing. */
  async freeze(actor: Actor, text: string): Promise<void> {
    if (process.platform === 'win32') {
      throw new InterlockError({
        code: 'not_supported_yet',
        message: 'Windows has no signal that freezes a process.',
        remedy: 'Run this simulation on Linux or macOS, or in WSL.',
      });
    }
    // Nobody else could end it when this process is killed now.
    for (const other of this.actors) {
      if (other !== actor) other.send({ kind: 'guard', pids: [actor.pid] });
    }
    await this.tell('person', text, { tone: 'bad' });
    actor.freeze();
  }

  async thaw(actor: Actor, text: string): Promise<void> {
    await this.tell('person', text);
    actor.thaw();
    for (const other of this.actors) other.send({ kind: 'guard', pids: [] });
  }

  /** Waits until `look` finds something in what was written down. */
  until<T>(
    what: string,
    look: (records: readonly StoryRecord[]) => T | undefined,
    deadlineMs = WAIT_DEADLINE_MS,
  ): Promise<T> {
    let wait: Wait | undefined;
    const found = new Promise<T>((resolve) => {
      wait = {
        look: () => {
          const value = look(this.records);
          if (value !== undefined) resolve(value);
        },
      };
      this.waits.add(wait);
      wait.look();
    });
    return this.within(found, deadlineMs, what).finally(() => {
      if (wait !== undefined) this.waits.delete(wait);
    });
  }

  /** Asks again and again until there is an answer. */
  poll<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    const { clock, signal } = this.options;
    const over = new AbortController();
    const asking = async (): Promise<T> => {
      for (;;) {
        const value = await ask();
        if (value !== undefined) return value;
        if (over.signal.aborted || signal.aborted) return new Promise(() => undefined);
        await sleep(clock, POLL_INTERVAL_MS, AbortSignal.any([over.signal, signal]));
      }
    };
    return this.within(asking(), WAIT_DEADLINE_MS, what).finally(() => over.abort());
  }

  /** So much real time goes by. */
  async pass(ms: number): Promise<void> {
    const { clock, signal } = this.options;
    await Promise.race([sleep(clock, ms, signal), this.failure.promise]);
    this.throwIfCancelled();
  }

  /** Waits for a time of the story. @param storyMs since its beginning, real milliseconds */
  async passUntil(storyMs: number): Promise<void> {
    await this.pass(Math.max(0, this.zeroMs + storyMs - (await this.nowMs())));
  }

  /** Ends every process. What they have done is written down then. */
  async end(): Promise<void> {
    await Promise.all(this.actors.map((actor) => actor.end()));
  }

  /** The whole story. Call it after `end`. */
  async finish(): Promise<StoryEvent[]> {
    await this.tail.close();
    await this.decisionsTold;
    return this.timeline.finish();
  }

  /** Ends every process and removes every key. */
  async close(): Promise<void> {
    this.telling?.cancel();
    try {
      await this.end();
      await this.tail.close();
      // What a killed process had sent is read by Redis before the answer to this.
      await this.redis.ping();
      await this.space.remove();
    } finally {
      this.connections.close();
    }
  }

  private take(record: StoryRecord): void {
    this.records.push(record);
    this.timeline.add(record, this.options.clock.monotonic());
    for (const wait of [...this.waits]) wait.look();
  }

  /** One after the other: lines stay in the order of the decisions. */
  private takeDecision(decision: Decision, atMs: number): void {
    const { lineOf } = this.story;
    if (lineOf === undefined) return;
    this.decisionsTold = this.decisionsTold.then(async () => {
      try {
        for (const line of await lineOf(decision, atMs, this)) this.take({ ...line, atMs });
      } catch (error) {
        this.failure.reject(toInterlockError(error));
      }
    });
  }

  private tellRegularly(): void {
    const { clock } = this.options;
    this.telling = clock.setTimeout(() => {
      this.timeline.tell(clock.monotonic());
      this.tellRegularly();
    }, TELL_INTERVAL_MS);
  }

  private async within<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
    const { clock, signal } = this.options;
    const over = new AbortController();
    const ended = sleep(clock, deadlineMs, AbortSignal.any([signal, over.signal]));
    // Boxed, so that a result of undefined differs from the end of the wait.
    const boxed = work.then((value) => ({ value }));
    boxed.catch(() => undefined);
    try {
      const first = await Promise.race([boxed, this.failure.promise, ended.then(() => undefined)]);
      this.throwIfCancelled();
      if (first !== undefined) return first.value;
    } finally {
      over.abort();
    }
    throw new InterlockError({
      code: 'timeout',
      message: `The simulation waited ${deadlineMs / 1_000} s for ${what}, in vain.`,
      remedy:
        'Check that Redis answers fast and that the machine is not overloaded, and try again.',
    });
  }

  private throwIfCancelled(): void {
    if (!this.options.signal.aborted) return;
    throw new InterlockError({ code: 'conflict', message: 'The simulation was cancelled.' });
  }
}
