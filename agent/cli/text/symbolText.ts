import type { SymbolsChange } from '../../protocol/api.ts';
import type { SymbolRow } from '../../protocol/model.ts';
import { ago } from './ages.ts';
import { decisionText } from './decisionText.ts';
import type { Style } from './style.ts';
import { formatCount, plural, renderTable } from './table.ts';

/** So many names fit where a person still reads them. */
const SHOWN_NAMES = 20;

export interface SymbolPage {
  rows: SymbolRow[];
  /** How many there are; more than `rows` when some are left out. */
  total: number;
}

export function symbolsText({ rows, total }: SymbolPage, nowMs: number, style: Style): string {
  if (rows.length === 0) return 'No symbol is like that.';
  const table = renderTable(
    rows,
    [
      { title: 'symbol', value: (row) => row.symbol },
      { title: 'name', value: (row) => row.name },
      { title: 'shard', value: (row) => shardText(row, style), align: 'right' },
      { title: 'ticks', value: (row) => formatCount(row.ticks), align: 'right' },
      { title: 'gaps', value: (row) => formatCount(row.gaps), align: 'right' },
      { title: 'last tick', value: (row) => ago(row.lastTickAt, nowMs) },
    ],
    style,
  );
  if (rows.length >= total) return table;
  const more = `${formatCount(rows.length)} of ${plural(total, 'symbol')}; more with --limit N or --search TEXT`;
  return `${table}\n${style.quiet(more)}`;
}

/** What became of the symbols that were to be added or removed. */
export function symbolsChangeText(
  { decision, changed, unchanged, cut }: SymbolsChange,
  verb: 'added' | 'removed',
  nowMs: number,
  style: Style,
): string {
  const lines = [decisionText(decision, nowMs, style)];
  if (changed.length > 0) lines.push(`${style.good(verb)}: ${namesText(changed)}`);
  for (const [why, symbols] of byReason(unchanged))
    lines.push(`${style.quiet('unchanged')}: ${namesText(symbols)}: ${why}`);
  if (cut.length > 0) lines.push(`${style.warning('cut off by maxSymbols')}: ${namesText(cut)}`);
  return lines.join('\n');
}

function byReason(unchanged: SymbolsChange['unchanged']): Map<string, string[]> {
  const reasons = new Map<string, string[]>();
  for (const { symbol, why } of unchanged) {
    const symbols = reasons.get(why);
    if (symbols === undefined) reasons.set(why, [symbol]);
    else symbols.push(symbol);
  }
  return reasons;
}

function namesText(names: readonly string[]): string {
  const more = names.length - SHOWN_NAMES;
  const shown = names.slice(0, SHOWN_NAMES).join(', ');
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}

function shardText({ shard }: SymbolRow, style: Style): string {
  return shard === null ? style.warning('cut off') : String(shard);
}
