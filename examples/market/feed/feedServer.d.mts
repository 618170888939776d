export const FEED_NAME: string;
export const FEED_PORT: number;

export interface FeedServer {
  port: number;
  /** ws://127.0.0.1:PORT/ticks */
  url: string;
  health(): { name: string; clients: number; ticks: number; ratePerSecond: number; seed: number };
  close(): Promise<void>;
}

export function startFeedServer(options?: {
  /** 0: one that is free. */
  port?: number;
  /** Of all symbols together. */
  ratePerSecond?: number;
  seed?: number;
}): Promise<FeedServer>;
