import { assertNever } from '../../common/assertNever.ts';
import type { ConnectionRow, ConnectionState } from '../../protocol/model.ts';
import { byTrouble, isBehind, isTroubled, livesElsewhere } from '../../protocol/streamFigures.ts';
import { ago, clockTime, holderName } from './ages.ts';
import type { Style } from './style.ts';
import { formatCount, renderTable, type Column } from './table.ts';

/** How streams are looked at. */
export interface StreamsView {
  nowMs: number;
  /** Whose own connections need no holder; undefined: not known. */
  agentId: string | undefined;
  /** So many connections of a stream are shown at most; left out: all. */
  most?: number;
}

/** The last message of a live feed is as old as that at most: older than that, its age is told. */
const FRESH_MS = 10_000;

/**
 * The connections of one stream as lines, below each what a person should know of it. With more
 * than `most`, the troubled ones come first, and the rest is counted.
 */
export function connectionsText(
  rows: readonly ConnectionRow[],
  view: StreamsView,
  style: Style,
): string[] {
  if (rows.length === 0) return [];
  const { most = rows.length } = view;
  const shown = rows.length > most ? [...rows].sort(byTrouble).slice(0, most) : rows;
  const lines = renderTable(shown, connectionColumns(shown, view, style), style).split('\n');
  const [heading = '', ...cells] = lines;
  const told = shown.flatMap((row, index) => [
    cells[index] ?? '',
    ...troubleLines(row, style).map((line) => `    ${line}`),
  ]);
  const rest = new Set(shown);
  return [heading, ...told, ...restLine(rows.filter((row) => !rest.has(row)))];
}

function restLine(hidden: readonly ConnectionRow[]): string[] {
  if (hidden.length === 0) return [];
  const troubled = hidden.filter(isTroubled).length;
  const live = hidden.filter(({ state }) => state === 'live').length;
  const sleeping = hidden.length - troubled - live;
  const counts = [
    live === 0 ? '' : `${formatCount(live)} more live`,
    troubled === 0 ? '' : `${formatCount(troubled)} more that are not live`,
    sleeping === 0 ? '' : `${formatCount(sleeping)} more sleeping`,
  ];
  return [`and ${counts.filter((count) => count !== '').join(', ')}`];
}

function connectionColumns(
  rows: readonly ConnectionRow[],
  { nowMs, agentId }: StreamsView,
  style: Style,
): Column<ConnectionRow>[] {
  const columns: Column<ConnectionRow>[] = [
    { title: 'shard', value: ({ shard }) => String(shard), align: 'right' },
    { title: 'state', value: ({ state }) => stateText(state, style) },
    { title: 'msgs', value: ({ messages }) => formatCount(messages), align: 'right' },
    { title: 'errs', value: ({ errors }) => formatCount(errors), align: 'right' },
    { title: 'symbols', value: ({ symbolCount }) => formatCount(symbolCount), align: 'right' },
    { title: 'last', value: ({ lastMessageAt }) => lastText(lastMessageAt, nowMs) },
    { title: 'lag p50/p99', value: ({ lag }) => lagText(lag), align: 'right' },
    { title: 'gaps', value: ({ gaps }) => counted(gaps, style.warning), align: 'right' },
    { title: 'dropped', value: ({ dropped }) => counted(dropped, style.bad), align: 'right' },
  ];
  const away = (row: ConnectionRow) => livesElsewhere(row, agentId);
  if (!rows.some(away)) return columns;
  return [...columns, { title: 'held by', value: (row) => holderText(row, away(row), nowMs) }];
}

/** Of a connection that another agent has, figures are as old as its last heartbeat. */
function holderText({ holder, asOf }: ConnectionRow, away: boolean, nowMs: number): string {
  if (!away) return holder === null ? '-' : 'this agent';
  const told = asOf === null ? '' : `, as of ${ago(asOf, nowMs)}`;
  return `${holderName(holder)}${told}`;
}

function troubleLines(row: ConnectionRow, style: Style): string[] {
  const { reconnectAttempts, trouble, buffered } = row;
  const lines: string[] = [];
  if (reconnectAttempts > 0)
    lines.push(style.warning(`reconnect attempts: ${formatCount(reconnectAttempts)}`));
  if (trouble !== null && row.state !== 'live')
    lines.push(row.state === 'suspended' ? style.bad(trouble) : trouble);
  if (isBehind(row)) lines.push(`${formatCount(buffered)} ticks wait for Redis`);
  return lines;
}

/** A sign and the word: neither colour nor sign is needed to read it. */
function stateText(state: ConnectionState, style: Style): string {
  const text = `${signOf(state)} ${state.replaceAll('_', ' ')}`;
  switch (state) {
    case 'live':
      return style.good(text);
    case 'suspended':
      return style.bad(text);
    case 'sleeping':
    case 'waiting':
      return style.quiet(text);
    case 'connecting':
    case 'subscribing':
    case 'stale':
    case 'backing_off':
    case 'closed':
      return style.warning(text);
    default:
      return assertNever(state);
  }
}

function signOf(state: ConnectionState): string {
  switch (state) {
    case 'live':
      return '●';
    case 'connecting':
    case 'subscribing':
    case 'stale':
    case 'backing_off':
      return '◐';
    case 'suspended':
    case 'closed':
    case 'sleeping':
    case 'waiting':
      return '○';
    default:
      return assertNever(state);
  }
}

function lastText(iso: string | null, nowMs: number): string {
  if (iso === null) return '-';
  const atMs = Date.parse(iso);
  const age = nowMs - atMs < FRESH_MS ? '' : ` (${ago(iso, nowMs)})`;
  return `${clockTime(atMs)}${age}`;
}

function lagText(lag: ConnectionRow['lag']): string {
  return lag === null ? '-' : `${formatCount(round(lag.p50))}/${formatCount(round(lag.p99))} ms`;
}

/** Whole milliseconds, but of less than ten one digit more. */
function round(ms: number): number {
  return ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms);
}

function counted(count: number, paint: (text: string) => string): string {
  return count === 0 ? '0' : paint(formatCount(count));
}
