import type { Clock } from '../../agent/common/clock.ts';
import type { AgentClient } from '../../agent/protocol/agentClient.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { SymbolRow } from '../../agent/protocol/model.ts';
import type { PageSource } from './pages.ts';

const PAGE_SIZE = 100;
/** The most that the agent answers at one time. */
const MOST_AT_ONCE = 1_000;
/** Figures that are looked at are read again when they are older than that. */
const OLD_MS = 5_000;

/** Symbols of shards, as far as someone opened them: the agent sends none of their figures unasked. */
export class SymbolList {
  private readonly pagesByKey = new Map<string, SymbolPages>();

  /** @param client throws when this window is not connected */
  constructor(
    private readonly client: () => AgentClient,
    private readonly clock: Clock,
  ) {}

  of(stream: string, shard: number): SymbolPages {
    const key = `${shard} ${stream}`;
    const known = this.pagesByKey.get(key);
    if (known !== undefined) return known;
    const made = new SymbolPages(stream, shard, this.client, this.clock);
    this.pagesByKey.set(key, made);
    return made;
  }

  clear(): void {
    this.pagesByKey.clear();
  }
}

/** The symbols of one shard, loaded page by page. */
export class SymbolPages implements PageSource {
  private loaded: readonly SymbolRow[] = [];
  private byName = new Map<string, SymbolRow>();
  /** How many there were when they were read last; undefined before. */
  private total: number | undefined;
  /** How many the row of the shard told when they were shown last. */
  private expected: number | undefined;
  private readAtMs = -Infinity;
  private reading: Promise<void> | undefined;

  constructor(
    private readonly stream: string,
    private readonly shard: number,
    private readonly client: () => AgentClient,
    private readonly clock: Clock,
  ) {}

  get rows(): readonly SymbolRow[] {
    return this.loaded;
  }

  find(symbol: string): SymbolRow | undefined {
    return this.byName.get(symbol);
  }

  get remaining(): number {
    return Math.max(0, (this.total ?? 0) - this.loaded.length);
  }

  async load(client: AgentClient): Promise<void> {
    const { rows, total } = await this.page(client, this.loaded.length, PAGE_SIZE);
    this.take([...this.loaded, ...rows], total);
  }

  /**
   * Before its rows are shown: reads the first of them, and those that are known again when their
   * number is another one now. What is only old is read while the old is shown.
   * @returns undefined when there is nothing to wait for; it never rejects
   */
  prepare(expected: number): Promise<void> | undefined {
    const isOther = this.expected !== expected;
    this.expected = expected;
    if (this.total === undefined || isOther) return this.readAgain();
    if (this.clock.monotonic() - this.readAtMs > OLD_MS) void this.readAgain();
    return undefined;
  }

  private readAgain(): Promise<void> {
    this.reading ??= this.readKnown()
      // Without an agent the view says so itself.
      .catch(() => undefined)
      .finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async readKnown(): Promise<void> {
    const client = this.client();
    const wanted = Math.max(PAGE_SIZE, this.loaded.length);
    const rows: SymbolRow[] = [];
    for (;;) {
      const limit = Math.min(MOST_AT_ONCE, wanted - rows.length);
      const page = await this.page(client, rows.length, limit);
      rows.push(...page.rows);
      if (rows.length < wanted && page.rows.length === limit) continue;
      this.take(rows, page.total);
      return;
    }
  }

  private page(client: AgentClient, offset: number, limit: number) {
    const { stream: name, shard } = this;
    return client.request(requests.symbols, { name, shard, offset, limit });
  }

  private take(rows: readonly SymbolRow[], total: number): void {
    // A symbol that was added meanwhile moves others to the next page: each is one row.
    this.byName = new Map(rows.map((row) => [row.symbol, row]));
    this.loaded = [...this.byName.values()];
    this.total = total;
    this.readAtMs = this.clock.monotonic();
  }
}
