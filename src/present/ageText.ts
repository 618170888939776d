import { assertNever } from '../../agent/common/assertNever.ts';
import type { AgeAlert, AgeLevel } from '../../agent/protocol/model.ts';
import { formatAge } from './age.ts';
import type { Translate } from './translate.ts';

/** The word for an age over a threshold; empty for one that is not. */
export function levelName(level: AgeLevel, t: Translate): string {
  switch (level) {
    case 'normal':
      return '';
    case 'warning':
      return t('long');
    case 'critical':
      return t('critical');
    case 'emergency':
      return t('emergency');
    default:
      return assertNever(level);
  }
}

/** `running 32 min 4 s · critical`, or of a lock `held 1 h · emergency`. */
export function describeAlert(alert: AgeAlert, nowMs: number, t: Translate): string {
  const age = formatAge(alert.since, nowMs);
  const how = alert.kind === 'job' ? t('running {0}', age) : t('held {0}', age);
  return `${how} · ${levelName(alert.level, t)}`;
}

/** Of these someone must know at once: the others are told where one looks. */
export function isUrgent({ level }: AgeAlert): boolean {
  return level === 'critical' || level === 'emergency';
}
