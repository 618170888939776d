export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Wall clocks of one time zone. A day is counted from 1970-01-01, by the date on the wall. */
export class ZoneClock {
  private readonly format: Intl.DateTimeFormat;

  /** @param timezone an IANA name. @throws RangeError for one that is not known */
  constructor(timezone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: timezone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  }

  /** The day on the wall at a moment, in epoch ms. */
  dayAt(atMs: number): number {
    return Math.floor((atMs + this.offsetMs(atMs)) / DAY_MS);
  }

  /**
   * When the wall clock shows a time of a day, in epoch ms. A time that the clock change leaves out is
   * the first moment after the gap; of a time that comes twice, `which` tells the one that is meant.
   */
  momentOf(day: number, minuteOfDay: number, which: 'first' | 'second'): number {
    const wallMs = day * DAY_MS + minuteOfDay * MINUTE_MS;
    const before = this.offsetMs(wallMs - DAY_MS);
    const after = this.offsetMs(wallMs + DAY_MS);
    if (before === after) return wallMs - before;
    const candidates = [wallMs - before, wallMs - after];
    const fitting = candidates.filter((atMs) => atMs + this.offsetMs(atMs) === wallMs);
    if (fitting.length === 0) return this.endOfGap(wallMs - after, wallMs - before);
    return which === 'first' ? Math.min(...fitting) : Math.max(...fitting);
  }

  /** What the wall clock is ahead of UTC at a moment. */
  offsetMs(atMs: number): number {
    // As text, `3/8/2026, 01:59:59`: four times as fast as by its parts.
    const numbers = this.format.format(atMs).match(/\d+/g) ?? [];
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = numbers.map(Number);
    const midnightMs = Date.UTC(year, month - 1, day);
    const secondOfDay = (hour * 60 + minute) * 60 + second;
    return midnightMs + secondOfDay * 1_000 - Math.floor(atMs / 1_000) * 1_000;
  }

  /** The moment of the clock change between two moments, the first before it and the second not. */
  private endOfGap(beforeMs: number, afterMs: number): number {
    const changed = this.offsetMs(afterMs);
    let low = beforeMs;
    let high = afterMs;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetMs(middle) === changed) high = middle;
      else low = middle;
    }
    return high;
  }
}
