export interface FeedTick {
  symbol: string;
  price: number;
  seq: number;
  ts: number;
  volume: number;
}

export const SYMBOLS: string[];
export function priceWalk(seed: number): (ts: number) => FeedTick;
