import type { Clock, Timer } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../logging.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { Gap } from '../adapters/adapter.ts';
import { shardLease } from './shardLease.ts';

/** Gaps of one shard within that time are one decision: a lost connection makes one for each symbol. */
const COLLECT_MS = 500;
const NAMED_SYMBOLS = 5;

export interface GapRecorderOptions {
  clock: Clock;
  logger: Logger;
  holder: Decision['holder'];
  recordDecision: (decision: Omit<Decision, 'id' | 'at' | 'counts'>) => Promise<Decision>;
}

interface Collected {
  stream: string;
  shard: number;
  gaps: Gap[];
  timer: Timer;
}

/** Records every gap as a decision. */
export class GapRecorder {
  private readonly collected = new Map<string, Collected>();

  constructor(private readonly options: GapRecorderOptions) {}

  add(stream: string, shard: number, gaps: readonly Gap[]): void {
    const key = shardLease(stream, shard);
    const known = this.collected.get(key);
    if (known !== undefined) {
      known.gaps.push(...gaps);
      return;
    }
    const timer = this.options.clock.setTimeout(() => this.record(key), COLLECT_MS);
    this.collected.set(key, { stream, shard, gaps: [...gaps], timer });
  }

  close(): void {
    for (const [key, { timer }] of this.collected) {
      timer.cancel();
      this.record(key);
    }
  }

  private record(key: string): void {
    const { holder, logger, recordDecision } = this.options;
    const collected = this.collected.get(key);
    this.collected.delete(key);
    if (collected === undefined) return;
    const remedy = describeGaps(collected.gaps);
    const { stream, shard } = collected;
    logger.warn({ stream, shard, gaps: collected.gaps.length, what: remedy }, 'ticks are missing');
    recordDecision({
      ...{ action: 'gap', subject: stream, key, outcome: 'accepted', reason: 'ticks_missing' },
      ...{ jobId: null, survivor: null, holder, until: null, remedy },
    }).catch((error: unknown) => logger.warn({ trouble: messageOf(error) }, 'gap not recorded'));
  }
}

/** How many ticks of which symbols, with their numbers. */
export function describeGaps(gaps: readonly Gap[]): string {
  const missing = gaps.reduce((sum, gap) => sum + gap.missing, 0);
  const named = gaps
    .slice(0, NAMED_SYMBOLS)
    .map(({ symbol, after, before }) => `${symbol} between ${after} and ${before}`);
  const more = gaps.length > NAMED_SYMBOLS ? `, and ${gaps.length - NAMED_SYMBOLS} more` : '';
  const ticks = missing === 1 ? '1 tick is' : `${missing} ticks are`;
  return `${ticks} missing: ${named.join(', ')}${more}. An adapter with "resync" can fetch them.`;
}
