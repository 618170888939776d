import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/random.ts';
import type { StreamConfig, StreamLimits } from '../../config/schema.ts';
import type { TlsCredentials } from '../../config/tlsFiles.ts';
import type { Enqueuing } from '../../jobs/enqueuing.ts';
import type { Logger } from '../../logging.ts';
import type { Gap, StreamAdapter } from '../adapters/adapter.ts';
import type { ConnectionTimings } from '../connection/connectionTimings.ts';
import type { TurnTime } from '../connection/turnTime.ts';
import type { VenueGate } from '../connection/venueGate.ts';
import type { BufferBudget } from '../pipeline/bufferBudget.ts';
import type { ShardProgress } from './shardProgress.ts';

/** What every shard of a stream is given. */
export interface ShardContext {
  stream: string;
  config: StreamConfig;
  adapter: StreamAdapter;
  limits: StreamLimits;
  tls: TlsCredentials;
  venue: VenueGate;
  turnTime: TurnTime;
  budget: BufferBudget;
  /** A place on disk for what Redis can not take now; null where there is none. */
  spillFolder: (shard: number, run: number) => string | null;
  enqueuing: Enqueuing;
  progress: ShardProgress;
  clock: Clock;
  random: Random;
  logger: Logger;
  timings?: ConnectionTimings | undefined;
  /** A state changed; not for each message. */
  onChange: () => void;
  onGaps: (shard: number, gaps: readonly Gap[]) => void;
  onDropped: (shard: number, count: number, why: string) => void;
}
