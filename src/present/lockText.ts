import { assertNever } from '../../agent/common/assertNever.ts';
import { formatDuration } from '../../agent/common/duration.ts';
import type { AgeLevel, LockKind, LockRow } from '../../agent/protocol/model.ts';
import { fullTtlMs, lockAgeMs } from '../model/lockClock.ts';
import type { LockList } from '../model/lockList.ts';
import { formatAgo, formatClockTime } from './age.ts';
import { levelName } from './ageText.ts';
import { describeHolder, holderLiveness, holderPlace } from './holderText.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

export interface LockNow {
  nowMs: number;
  level: AgeLevel;
  ttlLeftMs: number | undefined;
}

/** How a lock is doing now, for its texts. */
export function lockNow(lock: LockRow, locks: LockList, nowMs: number): LockNow {
  return { nowMs, level: locks.level(lock, nowMs), ttlLeftMs: locks.ttlLeftMs(lock, nowMs) };
}

/** `holder ended · 3 min 20 s · devbox:4711 all · TTL 4 s · fence 12`: what is wrong stands first. */
export function describeLock(lock: LockRow, now: LockNow, t: Translate): string {
  return joined([
    lockStateText(lock.state, t),
    lockAge(lock, now.nowMs),
    levelName(now.level, t),
    lock.holder === null ? '' : holderPlace(lock.holder),
    now.ttlLeftMs === undefined ? '' : t('TTL {0}', wholeSeconds(now.ttlLeftMs)),
    lock.fence === null ? '' : t('fence {0}', lock.fence),
  ]);
}

/** Every field, for a tooltip and to be copied. */
export function lockFacts(lock: LockRow, now: LockNow, t: Translate): [string, string][] {
  const fullMs = fullTtlMs(lock);
  const left = now.ttlLeftMs === undefined ? '' : wholeSeconds(now.ttlLeftMs);
  const state = lockStateText(lock.state, t);
  return [
    [t('Kind'), lockKindName(lock.kind, t)],
    [t('Name'), lock.name],
    [t('State'), state === '' ? t('held') : state],
    [t('Job'), lock.job === null ? '' : `${lock.job.queue}/${lock.job.id}`],
    [t('Holder'), lock.holder === null ? t('none') : describeHolder(lock.holder, t)],
    [t('Holder process'), lock.holder === null ? '' : holderLiveness(lock.holder, t)],
    [t('Agent'), lock.holder?.agentId ?? ''],
    [t('Age'), joined([lockAge(lock, now.nowMs), levelName(now.level, t)])],
    [t('Acquired'), lock.acquiredAt === null ? '' : formatClockTime(lock.acquiredAt, now.nowMs)],
    [t('Renewed'), formatAgo(lock.renewedAt, now.nowMs, t)],
    [t('TTL left'), fullMs === undefined ? '' : t('{0} of {1}', left, formatDuration(fullMs))],
    [t('Fence'), lock.fence === null ? '' : String(lock.fence)],
  ];
}

/** What is out of the ordinary; empty for a lock that is simply held. */
export function lockStateText(state: LockRow['state'], t: Translate): string {
  switch (state) {
    case 'held':
      return '';
    case 'holder_dead':
      return t('holder ended');
    case 'expiring':
      return t('not renewed');
    case 'paused':
      return t('holder is stopped');
    case 'orphaned':
      return t('orphaned');
    default:
      return assertNever(state);
  }
}

export function lockAge(lock: LockRow, nowMs: number): string {
  const ageMs = lockAgeMs(lock, nowMs);
  return ageMs === null ? '' : ageMs < 1_000 ? '0 s' : formatDuration(ageMs);
}

/** Counts up to whole seconds, as a countdown does. */
function wholeSeconds(ms: number): string {
  return ms === 0 ? '0 s' : formatDuration(Math.ceil(ms / 1_000) * 1_000);
}

export function lockKindName(kind: LockKind, t: Translate): string {
  switch (kind) {
    case 'scheduler':
      return t('Scheduler lock');
    case 'stream':
      return t('Stream lock');
    case 'run':
      return t('Run lock');
    case 'job':
      return t('Job lock');
    case 'dedup':
      return t('Uniqueness key');
    case 'watched':
      return t('Watched key');
    default:
      return assertNever(kind);
  }
}

/** The name of a group of them. */
export function lockGroupName(kind: LockKind, t: Translate): string {
  switch (kind) {
    case 'scheduler':
      return t('Scheduler locks');
    case 'stream':
      return t('Stream locks');
    case 'run':
      return t('Run locks');
    case 'job':
      return t('Job locks of other workers');
    case 'dedup':
      return t('Uniqueness keys');
    case 'watched':
      return t('Watched keys');
    default:
      return assertNever(kind);
  }
}

/** Why it may be freed, or what it means to free it: the words of the question before a release. */
export function releaseReason(lock: LockRow, t: Translate): string {
  const { holder } = lock;
  if (lock.state === 'orphaned') {
    return t('What it was for has ended, and nobody holds it.');
  }
  if (lock.state === 'holder_dead') {
    return holder === null
      ? t('Its holder has ended.')
      : t('Process {0} on {1} has ended.', holder.pid, holder.host);
  }
  const who =
    holder === null
      ? t('Nothing tells who holds it.')
      : holder.alive === null
        ? t('{0} holds it; whether it still lives can not be told from here.', holderPlace(holder))
        : lock.state === 'paused'
          ? t('{0} holds it; its process is stopped and may go on.', holderPlace(holder))
          : t('{0} holds it and is alive.', holderPlace(holder));
  const after =
    lock.fence === null
      ? t('It has no fencing token: nothing stops its holder from going on.')
      : t('The token moves on: what the old holder does with fence {0} is refused.', lock.fence);
  return `${who} ${after}`;
}
