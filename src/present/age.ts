import { formatDuration } from '../../agent/common/duration.ts';
import type { Translate } from './translate.ts';

/** Milliseconds from `since` to `nowMs`, never negative; undefined when `since` is no time. */
export function ageMs(since: string | null, nowMs: number): number | undefined {
  const sinceMs = since === null ? Number.NaN : Date.parse(since);
  return Number.isNaN(sinceMs) ? undefined : Math.max(0, nowMs - sinceMs);
}

/** `3 min 20 s`: whole seconds, so that it changes at most once a second. Empty when unknown. */
export function formatAge(since: string | null, nowMs: number): string {
  const age = ageMs(since, nowMs);
  return age === undefined ? '' : formatWholeSeconds(age);
}

/** `12 s ago`, `just now`; empty when unknown. */
export function formatAgo(since: string | null, nowMs: number, t: Translate): string {
  const age = ageMs(since, nowMs);
  if (age === undefined) return '';
  return age < 1_000 ? t('just now') : t('{0} ago', formatWholeSeconds(age));
}

/** `in 12 s`, or `due` when the time has come. Counts up to whole seconds: 0.4 s left is `in 1 s`. */
export function formatCountdown(until: string, nowMs: number, t: Translate): string {
  const leftMs = Date.parse(until) - nowMs;
  if (Number.isNaN(leftMs)) return '';
  if (leftMs <= 0) return t('due');
  return t('in {0}', formatDuration(Math.ceil(leftMs / 1_000) * 1_000));
}

/** `14:03:09` today, `2026-01-31 14:03:09` on another day, in the time zone of this machine. */
export function formatClockTime(iso: string, nowMs: number): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  const day = dayOf(at);
  return day === dayOf(new Date(nowMs)) ? time : `${day} ${time}`;
}

/** `12,345`: large numbers stay readable. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** `0.4`, `3`, `120`: one digit behind the point only where it tells something. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return '<0.1';
  return perSecond < 10
    ? String(Math.round(perSecond * 10) / 10)
    : formatCount(Math.round(perSecond));
}

function formatWholeSeconds(ms: number): string {
  return ms < 1_000 ? '0 s' : formatDuration(ms);
}

function dayOf(at: Date): string {
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
