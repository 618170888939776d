import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../logging.ts';
import type { Holder } from '../protocol/decision.ts';
import type { RunRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { isHolderAlive } from '../state/processIdentity.ts';
import { parseRunEntry, runEntry, type EndedRun } from './runEntry.ts';
import { matchesRun, wantsEnded, type RunFilter } from './runFilter.ts';

/** Runs are written together: they cost the worker no round trip. */
const FLUSH_INTERVAL_MS = 100;
const MAX_BUFFERED = 5_000;
/** Redis does nothing else while it records one batch: one or two milliseconds for so many. */
const MAX_BATCH = 500;
/** A long history is read in parts, so that the agent does other things between them. */
const READ_PAGE = 1_000;

const streamEntries = z.array(z.tuple([z.string(), z.array(z.string())]));

export interface RunHistoryOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  logger: Logger;
  /** Who runs what is told to `ended`. */
  holder: Holder;
  retention: Config['history'];
  /** The schedule whose slot a job is; null when it is none's. */
  scheduleOf: (jobId: string) => string | null;
  /** Called for each run that is told to `ended`. */
  onEnded?: ((run: EndedRun) => void) | undefined;
}

/** The record of every run that ended, in a Redis stream that is capped by number and age. */
export class RunHistory {
  private buffer: EndedRun[] = [];
  private flushTimer: Timer | undefined;
  private dropped = 0;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: RunHistoryOptions) {}

  /** Records a run soon, and frees its place in `running:<type>`. */
  ended(run: EndedRun): void {
    this.options.onEnded?.(run);
    if (this.buffer.length < MAX_BUFFERED) this.buffer.push(run);
    else this.dropped += 1;
    this.flushTimer ??= this.options.clock.setTimeout(() => void this.flush(), FLUSH_INTERVAL_MS);
  }

  /** Writes what waits, and settles when all is written. Never rejects: with Redis away, what is lost is told to the log. */
  async flush(): Promise<void> {
    this.flushTimer?.cancel();
    this.flushTimer = undefined;
    const waiting = this.buffer;
    this.buffer = [];
    if (this.dropped > 0) {
      this.options.logger.warn({ dropped: this.dropped }, 'runs were not recorded: too many');
      this.dropped = 0;
    }
    const batches: Promise<void>[] = [];
    for (let from = 0; from < waiting.length; from += MAX_BATCH) {
      batches.push(this.write(waiting.slice(from, from + MAX_BATCH)));
    }
    this.writing = Promise.all([this.writing, ...batches]);
    await this.writing;
  }

  /**
   * Runs that match: those that go on first, then those that ended, the newest first.
   * @param running rows of runs that go on
   */
  async list(
    filter: RunFilter,
    running: readonly RunRow[],
  ): Promise<{ rows: RunRow[]; total: number }> {
    const goingOn = running.filter((run) => matchesRun(run, filter));
    const { offset, limit } = filter;
    const rows = goingOn.slice(offset, offset + limit);
    let total = goingOn.length;
    if (wantsEnded(filter)) {
      for await (const run of this.endedRuns()) {
        if (!matchesRun(run, filter)) continue;
        if (total >= offset && rows.length < limit) rows.push(run);
        total += 1;
      }
    }
    return { rows: withLife(rows), total };
  }

  /** The newest first, without what the settings no longer keep and Redis still has. */
  private async *endedRuns(): AsyncGenerator<RunRow> {
    const { redis, keys, retention, scheduleOf } = this.options;
    await this.flush();
    const oldest = String(Math.max(0, (await redisNowMs(redis)) - retention.maxAge));
    let left = retention.keep;
    let end = '+';
    while (left > 0) {
      const count = Math.min(left, READ_PAGE);
      const page = streamEntries.parse(
        await redis.xrevrange(keys.history, end, oldest, 'COUNT', count),
      );
      for (const [id, fields] of page) {
        const run = parseRunEntry(id, fields, scheduleOf);
        if (run !== undefined) yield run;
      }
      const last = page.at(-1)?.[0];
      if (last === undefined || page.length < count) return;
      left -= page.length;
      end = `(${last}`;
    }
  }

  /** One call for many runs: a call for each would show in the number of jobs per second. */
  private async write(batch: EndedRun[]): Promise<void> {
    const { scripts, keys, retention, holder, logger } = this.options;
    const lines = retention.keep === 0 ? [] : batch.map((run) => runEntry(run, holder));
    const places = placesOf(batch);
    try {
      await scripts.run(
        'recordRuns',
        [keys.history, ...places.types.map((type) => keys.running(type))],
        [retention.keep, retention.maxAge, lines.join('\n'), ...places.args],
      );
    } catch (error) {
      logger.warn({ count: batch.length, why: messageOf(error) }, 'runs not recorded');
    }
  }
}

/** Which places in the hashes of who runs are to be freed: for each type how many, fields, values. */
function placesOf(batch: readonly EndedRun[]): { types: string[]; args: (string | number)[] } {
  const byType = new Map<string, { fields: string[]; values: string[] }>();
  for (const { type, runningField, fence, jobId } of batch) {
    if (runningField === undefined || fence === null) continue;
    const places = byType.get(type) ?? { fields: [], values: [] };
    byType.set(type, places);
    places.fields.push(runningField);
    places.values.push(`${fence} ${jobId}`);
  }
  return {
    types: [...byType.keys()],
    args: [...byType.values()].flatMap(({ fields, values }) => [
      fields.length,
      ...fields,
      ...values,
    ]),
  };
}

/** Whether workers live is asked once for each of them: a page may have few agents and many rows. */
function withLife(rows: RunRow[]): RunRow[] {
  const lives = new Map<string, boolean | null>();
  return rows.map((row) => {
    const { worker } = row;
    if (worker === null) return row;
    let alive = lives.get(worker.agentId);
    if (alive === undefined) {
      alive = isHolderAlive(worker);
      lives.set(worker.agentId, alive);
    }
    return { ...row, worker: { ...worker, alive } };
  });
}
