import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import { systemRandom } from '../../../agent/common/random.ts';
import type { StreamLimits } from '../../../agent/config/schema.ts';
import type { StreamAdapter } from '../../../agent/streams/adapters/adapter.ts';
import type { Tick } from '../../../agent/streams/adapters/tick.ts';
import { Connection } from '../../../agent/streams/connection/connection.ts';
import { Venues, type VenueGate } from '../../../agent/streams/connection/venueGate.ts';

export interface VenueClientOptions {
  url: string;
  adapter: StreamAdapter;
  symbols: readonly string[];
  /** Instead of the adapter's, as the config may have it. */
  limits?: StreamLimits;
  /** Shared by all clients of one agent; left out: its own. */
  venue?: VenueGate;
}

/** One connection to a venue as the agent makes it, and what came over it. */
export class VenueClient {
  readonly connection: Connection;
  readonly ticks: Tick[] = [];
  /** Why it wanted to be replaced, each time. */
  readonly rotations: string[] = [];

  constructor({ url, adapter, symbols, limits: own, venue }: VenueClientOptions) {
    const limits = { ...adapter.limits, ...own };
    this.connection = new Connection({
      ...{ shard: 0, url, adapter, symbols, limits, maxRetries: 0 },
      venue: venue ?? new Venues(systemClock).of(url, limits),
      ...{ clock: systemClock, random: systemRandom, logger: pino({ level: 'silent' }) },
      onTicks: (ticks) => void this.ticks.push(...ticks),
      onRotateWanted: (reason) => void this.rotations.push(reason),
      onChange: () => undefined,
    });
    this.connection.start();
  }

  get state(): string {
    return this.connection.row().state;
  }

  /** Numbers of the ticks of one symbol, in the order in which they came. */
  numbersOf(symbol: string): number[] {
    return this.ticks.filter((tick) => tick.symbol === symbol).map(({ seq }) => seq ?? Number.NaN);
  }
}

/** Whether each number is one more than that before it. */
export function areInARow(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1);
}
