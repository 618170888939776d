import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeWorkspace, PROJECT_ROOT, type TestWorkspace } from '../harness/workspace.ts';
import type { TypeRule } from './faultRecord.ts';

/** The job types of the fault runner, and what they promise. */
export const TYPE_RULES: Record<string, TypeRule> = {
  keyed: { unique: true, limit: null },
  limited: { unique: false, limit: 3 },
  free: { unique: false, limit: null },
  slot: { unique: true, limit: null },
};

export const QUEUES = ['main', 'side'];

export const SCHEDULE_EVERY_MS = 1_000;

/** Agents 0, 1 and 3 can prove each other's death; agent 2 is on another host, as far as it tells. */
export const AGENTS = [
  { name: 'a0', hostId: 'host-a' },
  { name: 'a1', hostId: 'host-a' },
  { name: 'a2', hostId: 'host-b' },
  { name: 'a3', hostId: 'host-a' },
];

/** The one whose clock is moved. */
export const CLOCK_AGENT = 3;

export const KEYS_IN_USE = 6;

export function makeFaultWorkspace(leaseTtlMs: number): TestWorkspace {
  const handler = path.join(PROJECT_ROOT, 'test', 'faults', 'handlers', 'work.ts');
  // Two kinds of isolation, and half as many processes: starting them is most of the work of a run.
  const inline = { isolation: 'inline' };
  const common = { handler, lease: { ttl: leaseTtlMs }, retry: { max: 3, intervals: [50, 200] } };
  return makeWorkspace({
    jobs: {
      keyed: { ...common, queue: 'main', unique: { by: ['key'] }, concurrency: 4 },
      limited: { ...common, ...inline, queue: 'main', maxConcurrent: TYPE_RULES['limited']?.limit },
      free: { ...common, queue: 'side' },
      slot: { ...common, ...inline, queue: 'side', unique: { by: [] } },
    },
    schedules: { tick: { job: 'slot', every: SCHEDULE_EVERY_MS, data: { workMs: 30 } } },
    scheduler: { cycle: 500, lockTtl: 2_000 },
  });
}

/** What a handler and a faked clock find in the environment of their agent. */
export function agentEnvironment(place: {
  redisUrl: string;
  hostId: string;
  resourcePort: number;
  clockFile: string | undefined;
}): NodeJS.ProcessEnv {
  const fakeClock = path.join(PROJECT_ROOT, 'test', 'faults', 'fakeClock.mjs');
  return {
    ...process.env,
    INTERLOCK_STATE_DIR: '',
    REDIS_URL: place.redisUrl,
    INTERLOCK_HOST_ID: place.hostId,
    INTERLOCK_FAULT_RESOURCE: String(place.resourcePort),
    ...(place.clockFile === undefined
      ? {}
      : {
          INTERLOCK_FAULT_CLOCK: place.clockFile,
          NODE_OPTIONS: `--import=${pathToFileURL(fakeClock).href}`,
        }),
  };
}
