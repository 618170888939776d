import * as z from 'zod';
import { sleep, type Clock, type Timer } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../logging.ts';
import type { Holder } from '../../protocol/decision.ts';
import type { Keys } from '../../redis/keys.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import type { Scripts } from '../../redis/scripts.ts';
import { COUNTED_WITHIN_MS, stretchedMs } from '../connection/rateWindow.ts';
import type { SharedBy } from '../connection/venueGate.ts';
import type { SharedRules, SharedTurn, VenuePlace, VenueShare } from '../connection/venueShare.ts';
import { STREAM_LEASE_TTL_MS } from './streamContext.ts';

/** Who takes over a shard whose lease has ended finds its place free as well. */
const PLACE_TTL_MS = STREAM_LEASE_TTL_MS;
const RENEW_EVERY_MS = PLACE_TTL_MS / 3;
/** What another agent does is not pushed: it is asked for so often. */
const ASK_AGAIN_MS = 250;
/** A connection does not wait longer for Redis: then this agent's own connections count alone. */
const ANSWER_WITHIN_MS = 1_000;
/** For so long Redis is not asked after it gave no answer. */
const AWAY_MS = 5_000;

const answerSchema = z.tuple([z.enum(['granted', 'place', 'rate']), z.number()]);
type Answer = z.infer<typeof answerSchema>;
const GRANTED: Answer = ['granted', 0];

export interface VenueShareOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  logger: Logger;
  /** Who this agent is. */
  holder: Holder;
}

/** Turns and places of one venue, counted in Redis for all agents. */
export class RedisVenueShare implements VenueShare {
  /** Connections of this agent that have a place. */
  private readonly open = new Set<string>();
  private readonly venue: string;
  private readonly turnsKey: string;
  private readonly placesKey: string;
  private taken = 0;
  private timer: Timer | undefined;
  private awayUntil = -Infinity;

  /** @param host of the venue */
  constructor(
    host: string,
    sharedBy: SharedBy,
    private readonly options: VenueShareOptions,
  ) {
    const { keys, holder } = options;
    this.venue = sharedBy === 'all' ? host : `${host}@${holder.host}`;
    this.turnsKey = keys.venueTurns(this.venue);
    this.placesKey = keys.venuePlaces(this.venue);
  }

  async take(rules: SharedRules): Promise<SharedTurn> {
    this.taken += 1;
    const member = `${this.options.holder.agentId}:${this.taken}`;
    const [kind, waitMs] = await this.ask(member, rules);
    if (kind === 'granted') return { granted: true, place: this.place(member, rules) };
    // What is under way elsewhere may be counted earlier than Redis expects by now.
    const askAgainInMs = kind === 'place' ? ASK_AGAIN_MS : Math.min(waitMs, ASK_AGAIN_MS);
    return { granted: false, lacks: kind, askAgainInMs };
  }

  forget(agentId: string): void {
    this.tell(this.options.scripts.run('removeVenuePlaces', [this.placesKey], [agentId]));
  }

  /** Without an answer it may begin: a stream must not be silent because Redis is. */
  private async ask(member: string, rules: SharedRules): Promise<Answer> {
    const { clock, logger } = this.options;
    if (clock.monotonic() < this.awayUntil) return GRANTED;
    const enough = new AbortController();
    const silence = sleep(clock, ANSWER_WITHIN_MS, enough.signal).then(() => 'no answer');
    const answer = await Promise.race([this.askRedis(member, rules).catch(messageOf), silence]);
    enough.abort();
    if (typeof answer !== 'string') return answer;
    this.awayUntil = clock.monotonic() + AWAY_MS;
    const facts = { venue: this.venue, why: answer };
    logger.warn(facts, 'Redis is away: only connections of this agent count at the venue');
    return GRANTED;
  }

  private async askRedis(member: string, { rates, maxPlaces }: SharedRules): Promise<Answer> {
    const keys = [this.turnsKey, this.placesKey];
    const answer = await this.options.scripts.run('takeVenueTurn', keys, [
      ...[member, maxPlaces === Infinity ? '' : maxPlaces, PLACE_TTL_MS, COUNTED_WITHIN_MS],
      ...rates.flatMap(({ count, perMs }) => [count, stretchedMs(perMs)]),
    ]);
    return answerSchema.parse(answer);
  }

  private place(member: string, { rates, maxPlaces }: SharedRules): VenuePlace {
    const { redis, scripts } = this.options;
    const hasPlace = maxPlaces !== Infinity;
    if (hasPlace) this.open.add(member);
    this.renewLater();
    return {
      answered: () => {
        if (rates.length > 0) this.tell(scripts.run('countVenueTurn', [this.turnsKey], [member]));
      },
      release: () => {
        if (this.open.delete(member)) this.tell(redis.zrem(this.placesKey, member));
      },
    };
  }

  private renewLater(): void {
    if (this.timer !== undefined || this.open.size === 0) return;
    this.timer = this.options.clock.setTimeout(() => {
      this.timer = undefined;
      if (this.open.size > 0) {
        const args = [PLACE_TTL_MS, ...this.open];
        this.tell(this.options.scripts.run('renewVenuePlaces', [this.placesKey], args));
      }
      this.renewLater();
    }, RENEW_EVERY_MS);
  }

  /** What is not told ends by itself. */
  private tell(told: Promise<unknown>): void {
    told.catch((error: unknown) => {
      this.options.logger.debug({ venue: this.venue, why: messageOf(error) }, 'venue not told');
    });
  }
}
