import type { Holder } from '../../protocol/decision.ts';
import type { ConnectionRow, StreamRow } from '../../protocol/model.ts';
import { displayUrl } from '../connection/displayUrl.ts';
import type { ManagedStream } from './managedStream.ts';
import type { ShardRun } from './shardRun.ts';

/** More symbols than that are not part of the row: there is a request that pages through them. */
const MAX_LISTED_SYMBOLS = 500;

/** A stream with all its shards, as this agent knows them. */
export function streamRow(stream: ManagedStream, self: Holder, nowMs: number): StreamRow {
  const connections = stream
    .shardNumbers()
    .map((shard) => connectionRow(stream, shard, self, nowMs));
  const total = (field: 'messages' | 'ticks' | 'errors' | 'gaps' | 'dropped') =>
    connections.reduce((sum, connection) => sum + connection[field], 0);
  const first = connections.find(({ holder }) => holder !== null);
  const plan = stream.plan?.plan;
  const batches = [...stream.runs.values()].reduce((sum, run) => sum + run.batcher.batches, 0);
  return {
    name: stream.name,
    url: displayUrl(stream.config.url),
    wanted: stream.wanted,
    state: stateOf(stream),
    until: sleepsUntil(stream),
    timezone: stream.config.hours?.timezone,
    holder: first?.holder ?? null,
    fence: first?.fence ?? null,
    startedAt: startedAt(connections),
    connected: connections.filter(({ state }) => state === 'live' || state === 'stale').length,
    totalMessages: total('messages'),
    totalTicks: total('ticks'),
    totalErrors: total('errors'),
    totalGaps: total('gaps'),
    totalDropped: total('dropped'),
    batches,
    symbolCount:
      plan === undefined ? stream.config.symbols.length : stream.subscribedCount + plan.cut.length,
    cutSymbols: plan?.cut.length ?? 0,
    aliases: plan?.aliases.length ?? 0,
    health: stream.health,
    connections: connections.length > 0 ? connections : absentConnections(stream),
  };
}

/** One shard, wherever it lives. */
export function connectionRow(
  stream: ManagedStream,
  shard: number,
  self: Holder,
  nowMs: number,
): ConnectionRow {
  const run = stream.runs.get(shard);
  if (run !== undefined) return ownRow(stream, run, self, nowMs);
  const held = stream.held.get(shard);
  const entry = stream.entries.get(shard);
  if (held === undefined) return unheldRow(stream, shard);
  const since = isoOf(held.acquiredAtMs);
  const facts = { holder: held.holder, fence: held.fence, startedAt: since };
  if (entry?.fence !== held.fence) {
    return { ...blankRow(stream, shard), state: 'connecting', since, ...facts };
  }
  return {
    ...entry.row,
    ...facts,
    symbols: listedSymbols(stream, shard),
    symbolCount: stream.symbolsOf(shard).length,
    asOf: isoOf(entry.heartbeatMs),
  };
}

function ownRow(stream: ManagedStream, run: ShardRun, self: Holder, nowMs: number): ConnectionRow {
  const { lastMessageAtMs, sinceMs, symbolCount, ...figures } = run.figures();
  const { lease, batcher, ledger } = run;
  return {
    ...{ shard: run.shard, ...figures, symbolCount, symbols: listedSymbols(stream, run.shard) },
    since: isoOf(sinceMs),
    lastMessageAt: lastMessageAtMs === null ? null : isoOf(lastMessageAtMs),
    ...{ gaps: ledger.gaps, dropped: batcher.dropped, buffered: batcher.waiting },
    lag: run.lag.figures(nowMs),
    trouble: figures.trouble ?? troubleOf(run),
    ...{ holder: self, fence: lease.fence, startedAt: isoOf(lease.acquiredAtMs), asOf: null },
  };
}

function troubleOf({ lease, batcher }: ShardRun): string | null {
  if (lease.signal.aborted) {
    return `Its lease could not be renewed: ticks are kept (${batcher.waiting} now) until Redis answers.`;
  }
  if (batcher.dropped === 0) return null;
  return `${batcher.dropped} ticks dropped: they could not be enqueued in time.`;
}

/** A shard that nobody has: asleep, stopped, or waiting for an agent. */
function unheldRow(stream: ManagedStream, shard: number): ConnectionRow {
  const trouble = stream.wanted === 'running' ? failureText(stream) : null;
  const state = stream.wanted === 'stopped' ? 'closed' : unheldState(stream);
  return { ...blankRow(stream, shard), state, trouble };
}

function unheldState(stream: ManagedStream): ConnectionRow['state'] {
  if (!stream.hours().open) return 'sleeping';
  return stream.failure === null ? 'waiting' : 'closed';
}

function blankRow(stream: ManagedStream, shard: number): ConnectionRow {
  return {
    ...{ shard, state: 'waiting', since: null, messages: 0, ticks: 0, errors: 0, gaps: 0 },
    ...{ symbols: listedSymbols(stream, shard), symbolCount: stream.symbolsOf(shard).length },
    ...{ dropped: 0, buffered: 0, lag: null, lastMessageAt: null, reconnectAttempts: 0 },
    ...{ trouble: null, holder: null, fence: null, startedAt: null, asOf: null },
  };
}

/** A stream without a plan, because it can not run here, says why where people look for it. */
function absentConnections(stream: ManagedStream): ConnectionRow[] {
  const trouble = failureText(stream);
  if (trouble === null || stream.wanted === 'stopped') return [];
  const { symbols } = stream.config;
  const row = blankRow(stream, 0);
  return [{ ...row, state: 'closed', trouble, symbols: [...symbols], symbolCount: symbols.length }];
}

function failureText({ failure }: ManagedStream): string | null {
  return failure === null ? null : [failure.message, failure.remedy ?? ''].join(' ').trim();
}

function stateOf(stream: ManagedStream): StreamRow['state'] {
  if (stream.runs.size > 0) return 'running';
  if (stream.wanted === 'stopped') return 'stopped';
  if (!stream.hours().open) return 'sleeping';
  return stream.held.size > 0 ? 'elsewhere' : 'waiting';
}

function sleepsUntil(stream: ManagedStream): string | null {
  const hours = stream.hours();
  if (hours.open || hours.untilMs === null || stream.wanted === 'stopped') return null;
  return isoOf(hours.untilMs);
}

function listedSymbols(stream: ManagedStream, shard: number): string[] {
  return stream.subscribedCount > MAX_LISTED_SYMBOLS ? [] : [...stream.symbolsOf(shard)];
}

function startedAt(connections: readonly ConnectionRow[]): string | null {
  const times = connections.flatMap(({ startedAt: at }) => (at === null ? [] : [at])).sort();
  return times[0] ?? null;
}

const isoOf = (ms: number) => new Date(ms).toISOString();
