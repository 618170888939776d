import type { LockRow, StreamRow } from '../protocol/model.ts';

/** What was found, without any opinion on it. */
export interface DoctorFacts {
  nodeVersion: string;
  config: ConfigFacts;
  stateFolder: StateFolderFacts;
  agent: AgentFacts;
  redis: RedisFacts;
  /** null: not known, as Redis or the agent does not answer. */
  schedulerLocks: LockRow[] | null;
  queues: QueueFacts[] | null;
  /** Runs that nobody will end, or that go on for very long. */
  stuckJobs: StuckJob[] | null;
  /** Agents of this Redis. */
  peers: PeerFacts[] | null;
  /** How many of each the config has. */
  declared: { jobs: number; schedules: number; streams: number };
  env: NodeJS.ProcessEnv;
  streams: StreamRow[] | null;
}

export interface StuckJob {
  queue: string;
  id: string;
  type: string;
  runningForMs: number | null;
  why: 'no_lock' | 'too_long';
}

export interface PeerFacts {
  role: string;
  host: string;
  pid: number;
  /** `silent`: on another host, and it has not written for long. */
  state: 'alive' | 'silent' | 'dead';
}

export interface ConfigFacts {
  folder: string;
  /** null: there is no config file. */
  file: string | null;
  jobTypes: number;
  error: Trouble | null;
}

export interface StateFolderFacts {
  path: string;
  exists: boolean;
  writable: boolean;
  /** Permission bits; null where the platform has none. */
  mode: number | null;
}

export type AgentFacts =
  | {
      state: 'running';
      pid: number;
      role: string;
      version: string;
      configTrouble: string | null;
      /** Why its metrics can not be scraped. */
      metricsTrouble: string | null;
    }
  /** No record, or that of a process that has ended. */
  | { state: 'none' }
  /** The process of the record lives, and something is wrong with it. */
  | { state: 'troubled'; pid: number; trouble: Trouble };

export type RedisFacts =
  | { state: 'connected'; kind: 'private' | 'url'; address: string; server: RedisServerFacts }
  | { state: 'unreachable'; address: string; trouble: Trouble }
  /** The private server does not run, and an agent would start it. */
  | { state: 'on_demand'; program: string }
  | { state: 'missing'; installCommand: string };

export interface RedisServerFacts {
  version: string | null;
  maxMemoryBytes: number;
  maxMemoryPolicy: string | null;
  appendOnly: boolean;
  /** Whether the append-only file could be written the last time. */
  appendOnlyHealthy: boolean;
  /** Whether it only copies another server: then it takes no writes. */
  isReplica: boolean;
  /** Whether the last snapshot could be written; Redis may refuse writes when it could not. */
  snapshotHealthy: boolean;
  /** The snapshot rule; null where CONFIG is forbidden. */
  save: string | null;
}

export interface QueueFacts {
  name: string;
  /** false: of another program, found at this Redis. */
  declared: boolean;
  /** Jobs that wait for a worker or are with one. */
  pending: number;
  failed: number;
  paused: boolean;
  /** null: Redis does not tell who is connected. */
  workers: number | null;
  /** Names of other programs' schedules that make no job any more. */
  stuckSchedules: string[];
}

export interface Trouble {
  message: string;
  remedy: string | null;
}
