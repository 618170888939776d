import { assertNever } from '../common/assertNever.ts';
import type { ConnectionRow, ConnectionState, StreamRow } from './model.ts';

/** What every client tells from the rows of streams: one rule for tree, status bar and CLI. */

/** More than batches on their way hold: with the default of 500 ticks, two of them. */
const FEW_TICKS = 1_000;

/** Another agent has it: its figures are as old as its last heartbeat. */
export function livesElsewhere({ holder }: ConnectionRow, agentId: string | undefined): boolean {
  return holder !== null && agentId !== undefined && holder.agentId !== agentId;
}

export interface ConnectionTotals {
  live: number;
  /** That should be live now; what sleeps is not among them. */
  wanted: number;
  sleeping: number;
}

/** Connections of all streams that a person wants to run, wherever they live. */
export function connectionTotals(streams: Iterable<StreamRow>): ConnectionTotals {
  const totals = { live: 0, wanted: 0, sleeping: 0 };
  for (const stream of streams) {
    if (stream.wanted !== 'running') continue;
    const sleeping = countState(stream, 'sleeping');
    // A stream of which no shard is known yet is one that is missing.
    const known = Math.max(1, stream.connections.length);
    const sleeps = stream.state === 'sleeping';
    totals.sleeping += sleeps ? known : sleeping;
    totals.wanted += sleeps ? 0 : known - sleeping;
    totals.live += sleeps ? 0 : countState(stream, 'live');
  }
  return totals;
}

export function countState({ connections }: StreamRow, state: ConnectionState): number {
  let count = 0;
  for (const connection of connections) if (connection.state === state) count += 1;
  return count;
}

/** A batch that fills is never worth a word: these are ticks that Redis does not take. */
export function isBehind({ buffered }: ConnectionRow): boolean {
  return buffered >= FEW_TICKS;
}

/** It should be live and is not. */
export function isTroubled({ state }: ConnectionRow): boolean {
  return state !== 'live' && state !== 'sleeping';
}

/** What needs a person or a look first, then by shard. */
export function byTrouble(a: ConnectionRow, b: ConnectionRow): number {
  return rankOf(a.state) - rankOf(b.state) || a.shard - b.shard;
}

function rankOf(state: ConnectionState): number {
  switch (state) {
    case 'suspended':
      return 0;
    case 'backing_off':
      return 1;
    case 'stale':
      return 2;
    case 'closed':
      return 3;
    case 'waiting':
      return 4;
    case 'connecting':
    case 'subscribing':
      return 5;
    case 'live':
      return 6;
    case 'sleeping':
      return 7;
    default:
      return assertNever(state);
  }
}
