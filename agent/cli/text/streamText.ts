import { weekTime } from '../../common/weekTime.ts';
import type { StreamRow } from '../../protocol/model.ts';
import { connectionTotals, countState } from '../../protocol/streamFigures.ts';
import { ago, clockTime, holderName } from './ages.ts';
import { connectionsText, type StreamsView } from './connectionText.ts';
import type { Style } from './style.ts';
import { formatCount, plural } from './table.ts';

export function streamsText(rows: StreamRow[], view: StreamsView, style: Style): string {
  if (rows.length === 0) {
    return 'No stream is declared. Add one under "streams" in interlock.config.json.';
  }
  return rows.map((row) => streamText(row, view, style)).join('\n\n');
}

/** One stream: its totals with the time, what a person should know of it, each connection. */
export function streamText(row: StreamRow, view: StreamsView, style: Style): string {
  const lines = [
    headLine(row, view.nowMs, ` at ${clockTime(view.nowMs)}`, style),
    ...noteLines(row, view.nowMs, style),
    ...connectionsText(row.connections, view, style),
  ];
  const [head = '', ...below] = lines;
  return [head, ...below.map((line) => `  ${line}`)].join('\n');
}

/** Its totals, on one line. */
export function streamLine(row: StreamRow, nowMs: number, style: Style): string {
  return headLine(row, nowMs, '', style);
}

/** Everything that should be live is. */
export function isLive(row: StreamRow): boolean {
  const { live, wanted } = connectionTotals([row]);
  return row.connections.length > 0 && live === wanted;
}

function headLine(row: StreamRow, nowMs: number, at: string, style: Style): string {
  const figures = [
    `${stateText(row, nowMs, style)}${at}`,
    plural(row.totalMessages, 'message'),
    plural(row.totalErrors, 'error'),
    plural(row.totalTicks, 'tick'),
    plural(row.batches, 'batch', 'batches'),
    row.totalGaps === 0 ? '' : style.warning(`${formatCount(row.totalGaps)} lost`),
    row.totalDropped === 0 ? '' : style.bad(`${formatCount(row.totalDropped)} dropped`),
  ].filter((figure) => figure !== '');
  return `${style.heading(row.name)}  ${figures.join(', ')}  ${style.quiet(row.url)}`;
}

function stateText(row: StreamRow, nowMs: number, style: Style): string {
  if (row.state === 'stopped') return row.state;
  if (row.state === 'sleeping') return `sleeping${untilText(row, nowMs)}`;
  const awake = row.connections.length - countState(row, 'sleeping');
  if (awake === 0) return placeText(row);
  const connected = `${row.connected}/${awake} connected`;
  const painted = isLive(row) ? style.good(connected) : style.warning(connected);
  return row.state === 'running' ? painted : `${painted} ${placeText(row)}`;
}

function placeText(row: StreamRow): string {
  if (row.state === 'waiting') return 'waiting for an agent';
  return row.state === 'elsewhere' ? `elsewhere by ${holderName(row.holder)}` : '0/0 connected';
}

function untilText({ until, timezone }: StreamRow, nowMs: number): string {
  return until === null ? '' : ` until ${weekTime(until, nowMs, timezone)}`;
}

function noteLines(row: StreamRow, nowMs: number, style: Style): string[] {
  const { health, cutSymbols, symbolCount, aliases } = row;
  const lines: string[] = [];
  if (health !== null) {
    const summary = health.ok ? health.summary : style.warning(health.summary);
    lines.push(`health: ${summary} ${style.quiet(`(${ago(health.at, nowMs)})`)}`);
  }
  if (cutSymbols > 0) {
    const cut = `${formatCount(cutSymbols)} of ${plural(symbolCount, 'symbol')}`;
    lines.push(style.warning(`${cut} cut off by maxSymbols`));
  }
  if (aliases > 0) {
    lines.push(`${plural(aliases, 'symbol')} left out: another one means the same`);
  }
  return lines;
}
