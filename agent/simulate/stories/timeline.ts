import type { StoryEvent } from '../../protocol/api.ts';
import type { StoryRecord } from './storyRecord.ts';

/** How the time of a story runs. */
export interface StoryTime {
  /** One second of real time is so many of the story. */
  scale: number;
  /**
   * Times are told in whole multiples of that, ms of the story: what the processes need for
   * themselves is no part of it.
   */
  resolutionMs: number;
}

/** So long a line waits for an earlier one of another process, ms. */
export const REORDER_MS = 200;

/** The lines of a story, told in the order of their times. */
export class Timeline {
  private readonly records: StoryRecord[] = [];
  private waiting: { record: StoryRecord; arrivedMs: number }[] = [];
  private zeroMs: number | undefined;

  constructor(
    private readonly time: StoryTime,
    private readonly onEvent: (event: StoryEvent) => void,
  ) {}

  /** The story's time begins at `atMs` of Redis. Nothing is told before. */
  begin(atMs: number): void {
    this.zeroMs = atMs;
  }

  add(record: StoryRecord, nowMs: number): void {
    this.records.push(record);
    this.waiting.push({ record, arrivedMs: nowMs });
  }

  /** Tells what has waited long enough. @param nowMs the clock of `add` */
  tell(nowMs: number): void {
    if (this.zeroMs === undefined) return;
    const isDue = ({ arrivedMs }: { arrivedMs: number }) => nowMs - arrivedMs >= REORDER_MS;
    const due = this.waiting.filter(isDue).map(({ record }) => record);
    if (due.length === 0) return;
    // What came later and happened before goes with it.
    const lastMs = Math.max(...due.map(({ atMs }) => atMs));
    this.tellThose((record) => record.atMs <= lastMs);
  }

  /** Tells the rest. @returns the whole story */
  finish(): StoryEvent[] {
    this.tellThose(() => true);
    return sorted(this.records).map((record) => this.eventOf(record));
  }

  private tellThose(which: (record: StoryRecord) => boolean): void {
    const told = this.waiting.map(({ record }) => record).filter(which);
    this.waiting = this.waiting.filter(({ record }) => !which(record));
    for (const record of sorted(told)) this.onEvent(this.eventOf(record));
  }

  private eventOf({ atMs, actor, text, tone }: StoryRecord): StoryEvent {
    const { scale, resolutionMs } = this.time;
    const sinceMs = Math.max(0, atMs - (this.zeroMs ?? atMs)) * scale;
    return { atMs: Math.round(sinceMs / resolutionMs) * resolutionMs, actor, text, tone };
  }
}

function sorted(records: StoryRecord[]): StoryRecord[] {
  // Sorting is stable: lines of one millisecond stay in the order in which they came.
  return [...records].sort((a, b) => a.atMs - b.atMs);
}
