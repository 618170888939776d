import * as z from 'zod';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Gap } from './adapter.ts';

/** The most that Binance gives in one answer. A bigger hole is told, and stays. */
export const MAX_TRADES_PER_GAP = 1_000;

/**
 * 4 of 6,000 units of weight each: half of what an address has in a minute is left to others. After
 * an outage there may be a gap in each of thousands of pairs.
 */
export const MAX_REQUESTS_PER_MINUTE = 750;

const MINUTE_MS = 60_000;
const ANSWER_WITHIN_MS = 5_000;

/** Of 429 (slow down) and 418 (banned) without a time. */
const DEFAULT_PAUSE_MS = MINUTE_MS;

/** Aggregate trades as the REST interface lists them: without pair and event type. */
const trades = z.array(
  z.object({ a: z.number().int(), p: z.string(), T: z.number() }).catchall(z.json()),
);
export type BinanceTrade = z.infer<typeof trades>[number];

export type Fetch = (url: URL, options: { signal: AbortSignal }) => Promise<Response>;

/** REST hosts beside the hosts of the streams, as the venue's documents name them. */
const REST_OF_STREAM_HOST = new Map([
  ['stream.binance.com', 'https://api.binance.com'],
  ['data-stream.binance.vision', 'https://data-api.binance.vision'],
  ['stream.testnet.binance.vision', 'https://testnet.binance.vision'],
  ['stream.binance.us', 'https://api.binance.us'],
]);

/** @returns undefined for a host that is not known: nobody else is asked for trades */
export function restUrlOf(streamUrl: string): string | undefined {
  return URL.canParse(streamUrl) ? REST_OF_STREAM_HOST.get(new URL(streamUrl).hostname) : undefined;
}

/** Asks for trades that never came, within the limits of the REST interface. No key is needed. */
export class BinanceTrades {
  private readonly askedAtMs: number[] = [];
  private pausedUntilMs = 0;

  constructor(
    private readonly restUrl: string,
    private readonly clock: Clock,
    private readonly fetch: Fetch,
  ) {}

  /**
   * @param pair in capitals
   * @returns the trades of the gap, in order; fewer when Binance has fewer
   * @throws Error that says why they are not fetched
   */
  async inGap(pair: string, { after, before, missing }: Gap): Promise<BinanceTrade[]> {
    if (missing > MAX_TRADES_PER_GAP) {
      throw new Error(`${missing} trades of ${pair} are missing: more than one answer holds`);
    }
    this.takeTurn();
    const url = new URL('/api/v3/aggTrades', this.restUrl);
    url.searchParams.set('symbol', pair);
    url.searchParams.set('fromId', String(after + 1));
    url.searchParams.set('limit', String(missing));
    const listed = await this.ask(url, pair);
    return listed.filter(({ a }) => a > after && a < before).sort((x, y) => x.a - y.a);
  }

  private async ask(url: URL, pair: string): Promise<BinanceTrade[]> {
    const where = `Missing trades of ${pair} from ${url.host}`;
    try {
      const response = await this.fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (response.status === 429 || response.status === 418) this.pause(response);
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return trades.parse(await response.json());
    } catch (error) {
      throw new Error(`${where} were not fetched: ${messageOf(error)}`, { cause: error });
    }
  }

  /** @throws Error when there is no turn now: a gap is not worth a ban */
  private takeTurn(): void {
    const now = this.clock.monotonic();
    if (now < this.pausedUntilMs) {
      const seconds = Math.ceil((this.pausedUntilMs - now) / 1_000);
      throw new Error(`Missing trades are not fetched for ${seconds} s: Binance asked for a pause`);
    }
    while ((this.askedAtMs[0] ?? now) < now - MINUTE_MS) this.askedAtMs.shift();
    if (this.askedAtMs.length >= MAX_REQUESTS_PER_MINUTE) {
      throw new Error(
        `Missing trades are not fetched: there were ${MAX_REQUESTS_PER_MINUTE} requests within a minute, as many as are made`,
      );
    }
    this.askedAtMs.push(now);
  }

  private pause(response: Response): void {
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const pauseMs = Number.isFinite(seconds) ? seconds * 1_000 : DEFAULT_PAUSE_MS;
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.clock.monotonic() + pauseMs);
  }
}
