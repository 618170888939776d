import type { Clock, Timer } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../logging.ts';
import type { StreamRow } from '../../protocol/model.ts';
import { assessStream, describeHealth, type HealthSubject } from './assessStream.ts';
import type { StreamRegistry } from './streamRegistry.ts';

export type { HealthSubject };

export interface HealthSummary {
  stream: string;
  health: NonNullable<StreamRow['health']>;
}

export interface StreamHealthOptions {
  registry: StreamRegistry;
  clock: Clock;
  logger: Logger;
  everyMs: number;
  /** Redis' time: heartbeats are in it. */
  nowMs: () => Promise<number>;
  streams: () => readonly HealthSubject[];
  /** Shards that should run and that nobody runs. */
  restart: (stream: string, shards: readonly number[]) => void;
  /** For each stream, after each check. */
  onSummary: (summary: HealthSummary) => void;
}

/** Looks at every stream from time to time: removes stale entries, starts what is missing, and tells. */
export class StreamHealth {
  private timer: Timer | undefined;
  private underWay: Promise<HealthSummary[]> | undefined;
  private closed = false;

  constructor(private readonly options: StreamHealthOptions) {}

  /** The first check comes after one interval: what has just begun is not missing. */
  start(): void {
    if (this.closed) return;
    this.timer?.cancel();
    this.timer = this.options.clock.setTimeout(() => {
      void this.check().then(() => this.start());
    }, this.options.everyMs);
  }

  /** Looks now. Asked again meanwhile, it is the same look. Never rejects: Redis away is a summary, too. */
  check(): Promise<HealthSummary[]> {
    this.underWay ??= this.checkAll().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  /** Ends it: after this, nothing is started or told any more. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.underWay;
  }

  private async checkAll(): Promise<HealthSummary[]> {
    const subjects = this.options.streams();
    const summaries: HealthSummary[] = [];
    for (const subject of subjects) {
      if (this.closed) break;
      const summary = await this.checkOne(subject);
      summaries.push(summary);
      this.tell(summary);
    }
    return summaries;
  }

  private async checkOne(subject: HealthSubject): Promise<HealthSummary> {
    try {
      const nowMs = await this.options.nowMs();
      return summaryOf(subject.name, nowMs, await this.lookAt(subject, nowMs));
    } catch (error) {
      const summary = `not checked: ${messageOf(error)}`;
      return summaryOf(subject.name, this.options.clock.now(), { ok: false, summary });
    }
  }

  private async lookAt(
    subject: HealthSubject,
    nowMs: number,
  ): Promise<{ ok: boolean; summary: string }> {
    const { registry, restart } = this.options;
    const assessment = assessStream(subject, await registry.read(subject.name), nowMs);
    const { expected, missing, stale, expired } = assessment;
    const silent = [...stale, ...expired].map(({ shard }) => shard);
    const removed = await registry.removeStale(subject.name, silent, subject);
    const gone = new Set([...missing, ...removed]);
    const restarted = expected.filter((shard) => gone.has(shard));
    if (restarted.length > 0 && !this.closed) restart(subject.name, restarted);
    return describeHealth(subject, assessment, { removed, restarted }, nowMs);
  }

  private tell(summary: HealthSummary): void {
    if (this.closed) return;
    const { logger, onSummary } = this.options;
    const { stream, health } = summary;
    logger[health.ok ? 'info' : 'warn']({ stream, ok: health.ok }, `health: ${health.summary}`);
    onSummary(summary);
  }
}

function summaryOf(
  stream: string,
  atMs: number,
  { ok, summary }: { ok: boolean; summary: string },
): HealthSummary {
  return { stream, health: { at: new Date(atMs).toISOString(), ok, summary } };
}
