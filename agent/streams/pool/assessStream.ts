import { formatDuration } from '../../common/duration.ts';
import { weekTime } from '../../common/weekTime.ts';
import type { ConnectionState } from '../../protocol/model.ts';
import { isRunning, type RegistryEntry } from './registryEntry.ts';

/** Troubled shards that a summary names; of the rest it tells the number. */
const MOST_NAMED = 3;
/** Shard numbers that a summary lists. */
const MOST_LISTED = 10;

/** A stream as it should be now. */
export interface HealthSubject {
  name: string;
  wanted: boolean;
  /** Outside its hours: until when, in epoch ms; null = within them. */
  sleep: { untilMs: number | null; timezone: string } | null;
  /** Shards that have symbols. */
  shards: readonly number[];
  staleAfterMs: number;
  expireAfterMs: number;
}

/** What the registry says of a stream, against what should be. */
export interface StreamAssessment {
  /** Shards that should run now. */
  expected: readonly number[];
  /** Of those: with a young heartbeat. */
  running: RegistryEntry[];
  /** Of those: without an entry. */
  missing: number[];
  /** With a young heartbeat, though they should not run. */
  surplus: RegistryEntry[];
  /** Without a heartbeat for `staleAfter`: only a proof removes them. */
  stale: RegistryEntry[];
  /** Without one for `expireAfter`: they end. */
  expired: RegistryEntry[];
}

/** @param nowMs Redis' time. Pure. */
export function assessStream(
  subject: HealthSubject,
  entries: ReadonlyMap<number, RegistryEntry>,
  nowMs: number,
): StreamAssessment {
  const { staleAfterMs, expireAfterMs } = subject;
  const expected = subject.wanted && subject.sleep === null ? subject.shards : [];
  const isExpected = new Set(expected);
  const all = [...entries.values()].sort((one, other) => one.shard - other.shard);
  const young = all.filter((entry) => isRunning(entry, nowMs, staleAfterMs));
  const silent = all.filter((entry) => !isRunning(entry, nowMs, staleAfterMs));
  return {
    expected,
    running: young.filter(({ shard }) => isExpected.has(shard)),
    missing: expected.filter((shard) => !entries.has(shard)),
    surplus: young.filter(({ shard }) => !isExpected.has(shard)),
    stale: silent.filter((entry) => isRunning(entry, nowMs, expireAfterMs)),
    expired: silent.filter((entry) => !isRunning(entry, nowMs, expireAfterMs)),
  };
}

export interface HealthOutcome {
  /** Shards whose entries were removed, stale and expired ones. */
  removed: readonly number[];
  /** Shards that should run and have no entry, now that these are removed. */
  restarted: readonly number[];
}

/** In words: `4 of 5 connections live; shard 3: backing off, HTTP 503; 1 stale entry removed`. Pure. */
export function describeHealth(
  subject: HealthSubject,
  assessment: StreamAssessment,
  { removed, restarted }: HealthOutcome,
  nowMs: number,
): { ok: boolean; summary: string } {
  const { expected, running, surplus, stale } = assessment;
  const live = running.filter(({ status }) => status === 'live');
  const notLive = running.filter(({ status }) => status !== 'live');
  const silent = stale.filter(({ shard }) => !removed.includes(shard));
  const parts = [
    headOf(subject, live.length, expected.length, nowMs),
    ...notLive.slice(0, MOST_NAMED).map(shardTrouble),
    more(notLive.length - MOST_NAMED, 'not live'),
    restarted.length === 0 ? '' : `${listOf(restarted)} missing, started again`,
    ...silent.slice(0, MOST_NAMED).map((entry) => silence(entry, nowMs)),
    more(silent.length - MOST_NAMED, 'without a heartbeat'),
    removed.length === 0 ? '' : `${count(removed.length, 'stale entry', 'stale entries')} removed`,
    surplus.length === 0 ? '' : `${count(surplus.length, 'connection')} to be closed`,
  ];
  const ok = restarted.length + silent.length === 0 && !notLive.some(isTrouble);
  return { ok, summary: parts.filter((part) => part !== '').join('; ') };
}

function headOf({ wanted, sleep }: HealthSubject, live: number, of: number, nowMs: number): string {
  if (!wanted) return 'stopped';
  if (sleep === null) return `${live} of ${count(of, 'connection')} live`;
  if (sleep.untilMs === null) return 'sleeps, and no opening is in sight';
  return `sleeps until ${weekTime(new Date(sleep.untilMs).toISOString(), nowMs, sleep.timezone)}`;
}

/** A connection that is being made is none. */
function isTrouble({ status }: RegistryEntry): boolean {
  return !COMING.has(status);
}

const COMING: ReadonlySet<ConnectionState> = new Set(['connecting', 'subscribing', 'live']);

function shardTrouble({ shard, status, row }: RegistryEntry): string {
  const trouble = row.trouble === null ? '' : `, ${row.trouble.replace(/\.$/, '')}`;
  return `shard ${shard}: ${status.replace('_', ' ')}${trouble}`;
}

function silence({ shard, heartbeatMs, holder }: RegistryEntry, nowMs: number): string {
  const { host, pid } = holder;
  const age = formatDuration(nowMs - heartbeatMs);
  return `shard ${shard}: no heartbeat for ${age}, but its lease is held by ${host}:${pid}`;
}

function listOf(shards: readonly number[]): string {
  const listed = shards.slice(0, MOST_LISTED).join(', ');
  const rest = shards.length - MOST_LISTED;
  return `${shards.length === 1 ? 'shard' : 'shards'} ${listed}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const more = (rest: number, what: string) => (rest > 0 ? `${rest} more ${what}` : '');

const count = (amount: number, one: string, many = `${one}s`) =>
  `${amount} ${amount === 1 ? one : many}`;
