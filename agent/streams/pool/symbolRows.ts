import type { SymbolRow } from '../../protocol/model.ts';
import type { ManagedStream } from './managedStream.ts';

export interface SymbolPage {
  shard?: number | undefined;
  /** Part of a symbol or of its name. */
  search?: string | undefined;
  limit: number;
  offset: number;
}

/** A page of the symbols of a stream, in the order of its shards; those that are cut off come last. */
export async function symbolRows(
  stream: ManagedStream,
  { shard: wanted, search = '', limit, offset }: SymbolPage,
): Promise<{ rows: SymbolRow[]; total: number }> {
  const { normalise } = await stream.planRules();
  const { shards, cut } = stream.plan?.plan ?? { shards: [], cut: [] };
  const needle = search.toLowerCase();
  const all = [
    ...shards.flatMap((symbols, shard) => symbols.map((symbol) => ({ symbol, shard }))),
    ...cut.map((symbol) => ({ symbol, shard: null })),
  ].filter(
    ({ symbol, shard }) =>
      (wanted === undefined || shard === wanted) &&
      (symbol.toLowerCase().includes(needle) || normalise(symbol).includes(needle)),
  );
  const rows = all.slice(offset, offset + limit).map(({ symbol, shard }) => {
    const name = normalise(symbol);
    const ledger = shard === null ? undefined : stream.runs.get(shard)?.ledger;
    // A feed may call a symbol by another name than it is asked for.
    const figures = ledger?.row(symbol) ?? ledger?.row(name);
    const lastTickMs = figures?.lastTickMs ?? null;
    return {
      ...{ symbol, name, shard, ticks: figures?.ticks ?? 0, gaps: figures?.gaps ?? 0 },
      lastTickAt: lastTickMs === null ? null : new Date(lastTickMs).toISOString(),
    };
  });
  return { rows, total: all.length };
}
