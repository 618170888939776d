import type { ConnectionRow, StreamRow } from '../../protocol/model.ts';
import { ago, holderName } from './ages.ts';
import type { Style } from './style.ts';
import { formatCount, plural, renderTable } from './table.ts';

export function streamsText(rows: StreamRow[], nowMs: number, style: Style): string {
  if (rows.length === 0) {
    return 'No stream is declared. Add one under "streams" in interlock.config.json.';
  }
  return rows.map((row) => streamText(row, nowMs, style)).join('\n\n');
}

/** One stream, with the figures of each connection. */
export function streamText(row: StreamRow, nowMs: number, style: Style): string {
  const lines = [streamLine(row, style)];
  if (row.connections.length > 0) {
    const table = renderTable(row.connections, connectionColumns(nowMs, style), style);
    lines.push(...table.split('\n').map((line) => `  ${line}`));
  }
  return lines.join('\n');
}

export function streamLine(row: StreamRow, style: Style): string {
  const connected = `${row.connected}/${row.connections.length} connected`;
  const painted = isLive(row) ? style.good(connected) : style.warning(connected);
  const where = row.state === 'elsewhere' ? ` by ${holderName(row.holder)}` : '';
  const figures = [
    row.state === 'running' ? painted : `${row.state}${where}`,
    plural(row.totalTicks, 'tick'),
    plural(row.totalMessages, 'message'),
    plural(row.batches, 'batch', 'batches'),
    plural(row.totalErrors, 'error'),
  ];
  return `${style.heading(row.name)}  ${figures.join(', ')}  ${style.quiet(row.url)}`;
}

export function isLive(row: StreamRow): boolean {
  return row.connections.length > 0 && row.connected === row.connections.length;
}

function connectionColumns(nowMs: number, style: Style) {
  return [
    { title: 'connection', value: (row: ConnectionRow) => String(row.shard) },
    { title: 'state', value: (row: ConnectionRow) => stateText(row, style) },
    { title: 'messages', value: (row: ConnectionRow) => formatCount(row.messages), align: 'right' },
    { title: 'ticks', value: (row: ConnectionRow) => formatCount(row.ticks), align: 'right' },
    { title: 'errors', value: (row: ConnectionRow) => formatCount(row.errors), align: 'right' },
    { title: 'gaps', value: (row: ConnectionRow) => formatCount(row.gaps), align: 'right' },
    { title: 'symbols', value: (row: ConnectionRow) => String(row.symbols.length), align: 'right' },
    { title: 'last message', value: (row: ConnectionRow) => ago(row.lastMessageAt, nowMs) },
    {
      title: 'reconnects',
      value: (row: ConnectionRow) => String(row.reconnectAttempts),
      align: 'right',
    },
    { title: '', value: (row: ConnectionRow) => row.trouble ?? '' },
  ] as const satisfies unknown[];
}

function stateText(row: ConnectionRow, style: Style): string {
  const text = row.state.replaceAll('_', ' ');
  if (row.state === 'live') return style.good(text);
  return row.state === 'suspended' ? style.bad(text) : style.warning(text);
}
