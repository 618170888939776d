import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/random.ts';
import type { Enqueuing } from '../../jobs/enqueuing.ts';
import type { PassableLeases } from '../../leases/lease.ts';
import type { Logger } from '../../logging.ts';
import type { Holder } from '../../protocol/decision.ts';
import type { ConnectionTimings } from '../connection/connectionTimings.ts';
import type { TurnTime } from '../connection/turnTime.ts';
import type { Venues } from '../connection/venueGate.ts';
import type { ShardProgress } from './shardProgress.ts';

/** Renewed at a third of it. A shard whose agent is gone on another host is live again within 5 s. */
export const STREAM_LEASE_TTL_MS = 4_500;

/** What every stream of an agent is given. */
export interface StreamContext {
  leases: PassableLeases;
  enqueuing: Enqueuing;
  progress: ShardProgress;
  venues: Venues;
  /** Read once per turn of the event loop, for all connections. */
  turnTime: TurnTime;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Who this agent is. */
  holder: Holder;
  /** Where paths in the config start. */
  workspace: string;
  /** Where ticks wait on disk while Redis is away; null: nowhere. */
  spillFolder: string | null;
  /** Loads the module of an adapter, TypeScript or not, from an absolute path. */
  loadModule: (file: string) => Promise<unknown>;
  /** Only for tests: shorter times. */
  timings?: ConnectionTimings;
  leaseTtlMs?: number;
}
