import { formatDuration } from '../../common/duration.ts';
import type { AgeLevel } from '../../protocol/model.ts';
import type { Style } from './style.ts';

/** `31 min, critical`, in the colour of the level; a normal age as it is. */
export function ageText(ageMs: number, level: AgeLevel, style: Style): string {
  const age = formatDuration(ageMs);
  return level === 'normal' ? age : paintLevel(`${age}, ${level}`, level, style);
}

export function paintLevel(text: string, level: AgeLevel, style: Style): string {
  if (level === 'normal') return text;
  return level === 'warning' ? style.warning(text) : style.bad(text);
}
