import { formatDuration } from '../../common/duration.ts';
import type { Holder } from '../../protocol/decision.ts';

/** `12 s ago`, or a dash when there is no such time. */
export function ago(iso: string | null, nowMs: number): string {
  return iso === null ? '-' : `${formatDuration(nowMs - Date.parse(iso))} ago`;
}

/** `in 12 s`, `now`, or a dash. */
export function until(iso: string | null, nowMs: number): string {
  if (iso === null) return '-';
  const leftMs = Date.parse(iso) - nowMs;
  return leftMs <= 0 ? 'now' : `in ${formatDuration(leftMs)}`;
}

/** `15:47:50` by the clock of this machine. */
export function clockTime(ms: number): string {
  const at = new Date(ms);
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** `2026-01-31 09:14:56`, in UTC as all times of a run: the same on every machine. */
export function utcTime(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** `devbox:4711`, with what is known of its death. */
export function holderName(holder: Holder | null): string {
  if (holder === null) return '-';
  return `${holder.host}:${holder.pid}${holder.alive === false ? ' (dead)' : ''}`;
}
