import { hoursAt, type HoursState, type StreamHours } from './marketHours.ts';
import { DAY_MS } from './zoneClock.ts';

/**
 * The hours of one stream, for those who ask often: `hoursAt` takes up to a millisecond, and its answer
 * holds until the time that it tells.
 */
export class HoursWatch {
  private last: { fromMs: number; toMs: number; state: HoursState } | undefined;

  constructor(private readonly hours: StreamHours) {}

  /** @param nowMs epoch ms; it may go back */
  at(nowMs: number): HoursState {
    const { last } = this;
    if (last !== undefined && last.fromMs <= nowMs && nowMs < last.toMs) return last.state;
    const state = hoursAt(this.hours, nowMs);
    // No opening in sight: one may come into sight.
    this.last = { fromMs: nowMs, toMs: state.untilMs ?? nowMs + DAY_MS, state };
    return state;
  }
}
