import type { ScheduleRow } from '../../agent/protocol/model.ts';
import { formatCountdown } from './age.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** `in 12 s · every 30s · last: accepted`. */
export function describeSchedule(schedule: ScheduleRow, nowMs: number, t: Translate): string {
  return joined([
    schedule.nextSlotAt === null ? '' : formatCountdown(schedule.nextSlotAt, nowMs, t),
    schedule.rule,
    schedule.lastOutcome === null ? '' : t('last: {0}', schedule.lastOutcome),
  ]);
}
