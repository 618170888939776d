import type { ScheduleRow } from '../../agent/protocol/model.ts';
import { formatClockTime, formatCount } from './age.ts';
import { describeInterval, describeLastSlot } from './scheduleText.ts';
import type { Translate } from './translate.ts';

type Fact = [id: string, label: string, text: string];

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
  const { nextSlots, pausedAt, skipSlotAt, interval, timezone, missed, missedSlots, outside } =
    schedule;
  const facts: Fact[] = [
    ['job', t('Job type'), schedule.job],
    ['rule', t('Rule'), schedule.rule],
    ['timezone', t('Time zone'), timezone ?? ''],
    ['interval', t('Interval'), interval === null ? '' : describeInterval(interval, t)],
    ['paused', t('Paused since'), pausedAt === null ? '' : at(pausedAt)],
    ['next', t('Next slots'), nextSlots.map(at).join(', ')],
    ['skip', t('Will be skipped'), skipSlotAt === null ? '' : at(skipSlotAt)],
    ...(outside === undefined
      ? ([['policy', t('Missed slots'), missedText(missed, missedSlots, t)]] satisfies Fact[])
      : outsideFacts(outside, at, t)),
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

/** Of another program: whose it is, and why it makes no more jobs. */
function outsideFacts(
  { queue, state, made, limit, endsAt }: NonNullable<ScheduleRow['outside']>,
  at: (iso: string) => string,
  t: Translate,
): Fact[] {
  const count = made === null ? '' : formatCount(made);
  return [
    ['outside', t('Made by'), t('a BullMQ program, in queue {0}', queue)],
    ['stuck', t('Stuck'), state === 'stuck' ? t('the job that makes the next one is gone') : ''],
    [
      'remedy',
      t('What to do'),
      state === 'stuck' ? t('restart its program: upsertJobScheduler mends it') : '',
    ],
    ['made', t('Jobs made'), limit === null ? count : t('{0} of {1}', count, formatCount(limit))],
    ['ends', t('Ends'), endsAt === null ? '' : at(endsAt)],
  ];
}
