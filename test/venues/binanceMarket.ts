export interface AggregateTrade {
  a: number;
  p: string;
  q: string;
  f: number;
  l: number;
  T: number;
  m: boolean;
  M: boolean;
}

const FIRST_ID = 1_000;
const KEPT_TRADES = 5_000;

/** Trades of all pairs: ids grow by one per pair, whether anybody listens or not. */
export class BinanceMarket {
  private readonly trades = new Map<string, AggregateTrade[]>();

  next(pair: string): AggregateTrade {
    const trades = this.of(pair);
    const id = (trades.at(-1)?.a ?? FIRST_ID - 1) + 1;
    const trade = {
      ...{ a: id, p: `${id}.25`, q: '0.5', f: id * 2, l: id * 2 + 1 },
      ...{ T: Date.now(), m: id % 2 === 0, M: true },
    };
    trades.push(trade);
    if (trades.length > KEPT_TRADES) trades.shift();
    return trade;
  }

  /** What the REST interface lists: from that id on, inclusive. */
  list(pair: string, fromId: number, limit: number): AggregateTrade[] {
    return this.of(pair)
      .filter(({ a }) => a >= fromId)
      .slice(0, limit);
  }

  private of(pair: string): AggregateTrade[] {
    const known = this.trades.get(pair);
    if (known !== undefined) return known;
    const fresh: AggregateTrade[] = [];
    this.trades.set(pair, fresh);
    return fresh;
  }
}
