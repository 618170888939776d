import type {
  DoctorFacts,
  PeerFacts,
  QueueFacts,
  RedisFacts,
  RedisServerFacts,
  StuckJob,
} from '../../../../agent/doctor/facts.ts';
import { lockRow, streamRow } from '../cli/rows.ts';

const server: RedisServerFacts = {
  ...{ version: '7.0.15', maxMemoryBytes: 0, maxMemoryPolicy: 'noeviction' },
  ...{ appendOnly: true, appendOnlyHealthy: true, save: '' },
  ...{ isReplica: false, snapshotHealthy: true },
};
export function peer(facts: Partial<PeerFacts>): PeerFacts {
  return { role: 'all', host: 'box', pid: 1, state: 'alive', ...facts };
}
export const queue = (facts: Partial<QueueFacts>): QueueFacts => ({
  ...{ name: 'default', declared: true, pending: 0, failed: 0, paused: false },
  ...{ workers: 1, stuckSchedules: [], ...facts },
});
export const stuck = (facts: Partial<StuckJob>): StuckJob => ({
  ...{ queue: 'low', id: '7', type: 'sync', runningForMs: 7_200_000, why: 'no_lock', ...facts },
});
export const connected = (facts: Partial<RedisServerFacts>): RedisFacts => ({
  ...{
    state: 'connected',
    kind: 'url',
    address: 'redis://r:6379',
    server: { ...server, ...facts },
  },
});
export const healthy: DoctorFacts = {
  nodeVersion: 'v22.1.0',
  config: { folder: '/w', file: '/w/interlock.config.json', jobTypes: 2, error: null },
  stateFolder: { path: '/s', exists: true, writable: true, mode: 0o40700 },
  agent: {
    ...{ state: 'running', pid: 1, role: 'all', version: '0.1.0' },
    ...{ configTrouble: null, metricsTrouble: null },
  },
  env: {},
  redis: connected({}),
  schedulerLocks: [lockRow()],
  declared: { jobs: 2, schedules: 1, streams: 1 },
  queues: [queue({ pending: 3 })],
  stuckJobs: [],
  peers: [peer({})],
  streams: [streamRow()],
};
