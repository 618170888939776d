import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import type { ConnectionState } from '../../../agent/protocol/model.ts';
import { jsonAdapter } from '../../../agent/streams/adapters/jsonAdapter.ts';
import type { Tick } from '../../../agent/streams/adapters/tick.ts';
import {
  Connection,
  type ConnectionOptions,
} from '../../../agent/streams/connection/connection.ts';
import type { ConnectionTimings } from '../../../agent/streams/connection/connectionTimings.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';

/** About a tenth of the real ones: silence of 9 s in earnest is 0.9 s here. */
export const SHORT_TIMINGS: ConnectionTimings = {
  connectTimeoutMs: 1_000,
  pingAfterSilenceMs: 500,
  answerWithinMs: 400,
  stableAfterMs: 1_000,
};

/** A connection with a record of what became of it. */
export class WatchedConnection {
  readonly connection: Connection;
  readonly ticks: Tick[] = [];
  readonly history: { state: ConnectionState; trouble: string | null }[] = [];

  constructor(url: string, options: Partial<ConnectionOptions> = {}) {
    this.connection = new Connection({
      ...{ shard: 0, url, symbols: ['a', 'b'], adapter: jsonAdapter, maxRetries: 0, limits: {} },
      ...{ timings: SHORT_TIMINGS, clock: systemClock, random: () => 0.9 },
      venue: new Venues(systemClock).of(url, {}),
      logger: pino({ level: 'silent' }),
      onTicks: (more) => void this.ticks.push(...more),
      onRotateWanted: () => undefined,
      onChange: () => {
        const { state, trouble } = this.connection.row();
        this.history.push({ state, trouble });
      },
      ...options,
    });
    this.connection.start();
  }

  get state(): ConnectionState {
    return this.connection.row().state;
  }

  /** How it failed first; undefined when it did not. */
  get firstFailure(): { state: ConnectionState; trouble: string | null } | undefined {
    return this.history.find(({ state }) => state === 'backing_off' || state === 'suspended');
  }
}
