import type { ScheduleRow } from '../../agent/protocol/model.ts';
import { formatClockTime, formatCount } from './age.ts';
import { describeInterval, describeLastSlot } from './scheduleText.ts';
import type { Translate } from './translate.ts';

/** One figure of a schedule. Its id stays the same while the figure changes. */
export interface ScheduleDetail {
  id: string;
  label: string;
  text: string;
}

/** What is shown below a schedule, and in its tooltip; what it does not have is left out. */
export function scheduleDetails(
  schedule: ScheduleRow,
  nowMs: number,
  t: Translate,
): ScheduleDetail[] {
  const at = (iso: string) => formatClockTime(iso, nowMs);
  const { nextSlots, pausedAt, skipSlotAt, interval, timezone, missed, missedSlots } = schedule;
  const facts: [id: string, label: string, text: string][] = [
    ['job', t('Job type'), schedule.job],
    ['rule', t('Rule'), schedule.rule],
    ['timezone', t('Time zone'), timezone ?? ''],
    ['interval', t('Interval'), interval === null ? '' : describeInterval(interval, t)],
    ['paused', t('Paused since'), pausedAt === null ? '' : at(pausedAt)],
    ['next', t('Next slots'), nextSlots.map(at).join(', ')],
    ['skip', t('Will be skipped'), skipSlotAt === null ? '' : at(skipSlotAt)],
    ['policy', t('Missed slots'), missedText(missed, missedSlots, t)],
  ];
  const lastSlots = schedule.lastSlots.map((slot, index) => ({
    id: `last-${index}`,
    label: t('Slot {0}', at(slot.at)),
    text: describeLastSlot(slot, nowMs, t),
  }));
  return [
    ...facts.flatMap(([id, label, text]) => (text === '' ? [] : [{ id, label, text }])),
    ...lastSlots,
  ];
}

/** `3, and the policy is run-once`: by its name in the config. */
function missedText(policy: ScheduleRow['missed'], count: number, t: Translate): string {
  return t('{0}, policy {1}', formatCount(count), policy);
}
