import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import { decision as decisionSchema, type Decision } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';

/** The stream is trimmed near this many entries. */
const MAX_DECISIONS = 10_000;
/** Accepted ones are written together: they cost the one who asks no round trip. */
const FLUSH_INTERVAL_MS = 50;
const MAX_BUFFERED = 5_000;
/** Redis does nothing else while it records one batch: about a millisecond for so many. */
const MAX_BATCH = 500;

export type DecisionFields = Omit<Decision, 'id' | 'at'>;

/** What differs between two decisions that accept something. */
export type AcceptedFields = Pick<Decision, 'action' | 'subject' | 'key' | 'jobId'>;

const streamEntries = z.array(z.tuple([z.string(), z.array(z.string())]));

/** The record of every answer, in a capped Redis stream. */
export class DecisionLog {
  /** One line for each, as it will stand in the stream. */
  private buffer: string[] = [];
  private flushTimer: Timer | undefined;
  private dropped = 0;
  private time = { ms: NaN, text: '' };

  constructor(
    private readonly redis: Redis,
    private readonly scripts: Scripts,
    private readonly keys: Keys,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Records what was accepted, soon. @returns the decision, without its place in the stream */
  recordAccepted(fields: AcceptedFields): Decision {
    const decision = this.accepted(fields);
    if (this.buffer.length < MAX_BUFFERED) this.buffer.push(acceptedLine(decision));
    else this.dropped += 1;
    this.flushTimer ??= this.clock.setTimeout(() => void this.flush(), FLUSH_INTERVAL_MS);
    return decision;
  }

  /** @returns the decision, which is told to the one who asks and nobody else */
  accepted({ action, subject, key, jobId }: AcceptedFields): Decision {
    return acceptedDecision('', this.timeText(), action, subject, key, jobId);
  }

  /** Records a decision now. */
  async record(fields: DecisionFields): Promise<Decision> {
    const decision = { ...fields, id: '', at: this.timeText() };
    this.logRefusal(decision);
    const id = await this.redis.xadd(
      ...([this.keys.decisions, 'MAXLEN', '~', MAX_DECISIONS, '*'] as const),
      ...(['decision', JSON.stringify(decision)] as const),
    );
    return { ...decision, id: id ?? '' };
  }

  /**
   * Records a refusal in favour of a job that is there already; one round trip reads what is known
   * of that job and writes the decision.
   */
  async recordSurvivor(
    fields: DecisionFields,
    queue: string,
    survivorId: string,
  ): Promise<Decision> {
    const { keys } = this;
    const survivor = { jobId: survivorId, state: 'unknown', since: null };
    const answer = z
      .tuple([z.string(), z.string()])
      .parse(
        await this.scripts.run(
          'recordRefusal',
          [
            ...[keys.job(queue, survivorId), keys.jobLock(queue, survivorId)],
            ...[keys.queue(queue, 'delayed'), keys.queue(queue, 'prioritized')],
            ...[keys.decisions, keys.agents],
          ],
          [JSON.stringify({ ...fields, id: '', at: '', survivor }), MAX_DECISIONS],
        ),
      );
    const decision = parseEntry(answer[0], ['decision', answer[1]]);
    if (decision === undefined) return { ...fields, id: answer[0], at: '', survivor };
    this.logRefusal(decision);
    return decision;
  }

  /** Newest first. */
  async list(
    limit: number,
    offset: number,
    matches: (d: Decision) => boolean,
  ): Promise<Decision[]> {
    const raw = streamEntries.parse(await this.redis.xrevrange(this.keys.decisions, '+', '-'));
    const decisions = raw.flatMap(([id, fields]) => {
      const decision = parseEntry(id, fields);
      return decision !== undefined && matches(decision) ? [decision] : [];
    });
    return decisions.slice(offset, offset + limit);
  }

  /** The newest ones, for a view. */
  async newest(count: number): Promise<Decision[]> {
    const raw = streamEntries.parse(
      await this.redis.xrevrange(this.keys.decisions, '+', '-', 'COUNT', count),
    );
    return raw.flatMap(([id, fields]) => parseEntry(id, fields) ?? []);
  }

  /** Writes what waits. Never rejects: with Redis away, what was accepted is told to the log only. */
  async flush(): Promise<void> {
    this.flushTimer?.cancel();
    this.flushTimer = undefined;
    const waiting = this.buffer;
    this.buffer = [];
    if (this.dropped > 0) {
      this.logger.warn({ dropped: this.dropped }, 'accepted decisions were not recorded: too many');
      this.dropped = 0;
    }
    const batches: Promise<void>[] = [];
    for (let from = 0; from < waiting.length; from += MAX_BATCH) {
      batches.push(this.write(waiting.slice(from, from + MAX_BATCH)));
    }
    await Promise.all(batches);
  }

  /** One command for many decisions: a command for each would cost more than the decision itself. */
  private async write(batch: string[]): Promise<void> {
    const lines = batch.join('\n');
    try {
      await this.scripts.run('recordAccepted', [this.keys.decisions], [MAX_DECISIONS, lines]);
    } catch (error) {
      this.logger.warn({ count: batch.length, why: messageOf(error) }, 'decisions not recorded');
    }
  }

  /** Many decisions are taken in one millisecond, and to write a date costs more than the rest of one. */
  private timeText(): string {
    const ms = this.clock.now();
    if (ms !== this.time.ms) this.time = { ms, text: new Date(ms).toISOString() };
    return this.time.text;
  }

  private logRefusal(decision: Decision): void {
    if (decision.outcome === 'accepted') return;
    this.logger.info(
      {
        ...{ action: decision.action, job_type: decision.subject, key: decision.key },
        ...{ outcome: decision.outcome, reason: decision.reason },
        survivor: decision.survivor?.jobId,
      },
      'refused',
    );
  }
}

/** Most decisions accept something and say nothing else: they are written short. */
const acceptedEntry = z.tuple([
  z.string(),
  decisionSchema.shape.action,
  z.string(),
  z.string().nullable(),
  z.string().nullable(),
]);

function acceptedLine({ at, action, subject, key, jobId }: Decision): string {
  return JSON.stringify([at, action, subject, key, jobId]);
}

function acceptedDecision(
  id: string,
  at: string,
  action: Decision['action'],
  subject: string,
  key: string | null,
  jobId: string | null,
): Decision {
  // Written out: spreads made this the dearest line of an enqueue.
  return {
    id,
    at,
    action,
    subject,
    key,
    outcome: 'accepted',
    reason: 'within_limits',
    jobId,
    survivor: null,
    holder: null,
    until: null,
    remedy: null,
  };
}

/**
 * A stream entry as a decision; undefined when it is not one of ours. Scripts write times in ms.
 * @param fields name and value: `decision` with everything, or `accepted` with what differs
 */
export function parseEntry(id: string, fields: string[]): Decision | undefined {
  const [name = '', json = ''] = fields;
  return name === 'accepted' ? parseAccepted(id, json) : parseDecision(id, json);
}

function parseAccepted(id: string, json: string): Decision | undefined {
  try {
    const entry = acceptedEntry.safeParse(JSON.parse(json));
    return entry.success ? acceptedDecision(id, ...entry.data) : undefined;
  } catch {
    return undefined;
  }
}

function parseDecision(id: string, json: string): Decision | undefined {
  try {
    const raw: unknown = JSON.parse(json);
    const loose = z.looseObject({
      at: z.string(),
      survivor: z.looseObject({ since: z.string().nullable() }).nullable(),
    });
    const entry = loose.parse(raw);
    const survivor =
      entry.survivor === null ? null : { ...entry.survivor, since: isoTime(entry.survivor.since) };
    const at = isoTime(entry.at) ?? entry.at;
    const parsed = decisionSchema.safeParse({ ...entry, id, at, survivor });
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function isoTime(value: string | null): string | null {
  return value !== null && /^\d+$/.test(value) ? new Date(Number(value)).toISOString() : value;
}
