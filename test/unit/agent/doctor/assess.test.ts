import assert from 'node:assert/strict';
import { assess } from '../../../../agent/doctor/assess.ts';
import type { DoctorFacts } from '../../../../agent/doctor/facts.ts';
import { connectionRow, lockRow, streamRow } from '../cli/rows.ts';
import { connected, healthy, peer, queue, stuck } from './facts.ts';

const trouble = { message: 'It broke.', remedy: 'Mend it.' };

/** The one check of that name. */
function check(name: string, facts: Partial<DoctorFacts>) {
  const found = assess({ ...healthy, ...facts }).filter((candidate) => candidate.name === name);
  assert.equal(found.length, 1, `checks named ${name}`);
  const [only] = found;
  assert.ok(only !== undefined);
  return only;
}

describe('the doctor', () => {
  it('finds nothing wrong with what is well', () => {
    for (const { name, status, remedy } of assess(healthy)) {
      assert.equal(status, 'ok', name);
      assert.equal(remedy, null, name);
    }
  });

  it('gives a remedy with everything that is not', () => {
    const sick = assess({
      nodeVersion: 'v18.20.0',
      config: { ...healthy.config, file: null },
      stateFolder: { ...healthy.stateFolder, mode: 0o40755 },
      agent: { state: 'none' },
      redis: connected({ appendOnly: false, maxMemoryPolicy: 'allkeys-lru', version: '5.0.0' }),
      schedulerLocks: [],
      declared: { jobs: 1, schedules: 1, streams: 1 },
      queues: [queue({ pending: 3, failed: 2, paused: true, workers: 0 })],
      stuckJobs: [stuck({})],
      peers: [peer({ role: 'api' }), peer({ pid: 2, state: 'dead' })],
      env: { ENABLE_SCHEDULERS: '1' },
      streams: [streamRow({ connections: [connectionRow({ state: 'suspended' })] })],
    });
    const bad = sick.filter(({ status }) => status !== 'ok');
    assert.equal(bad.length, sick.length - 1, 'all but "redis answers"');
    for (const { name, remedy } of bad) assert.notEqual(remedy, null, name);
  });

  const cases: [string, string, Partial<DoctorFacts>, 'ok' | 'warning' | 'failure', RegExp][] = [
    ['old Node', 'node', { nodeVersion: 'v20.18.1' }, 'failure', /v20\.18\.1 is too old/],
    ['the oldest Node', 'node', { nodeVersion: 'v20.19.0' }, 'ok', /v20\.19\.0/],
    [
      'bad config',
      'config',
      { config: { ...healthy.config, error: trouble } },
      'failure',
      /It broke/,
    ],
    [
      'a state folder of others',
      'state folder',
      { stateFolder: { path: '/s', exists: true, writable: false, mode: 0o40700 } },
      'failure',
      /can not be written/,
    ],
    [
      'a state folder to come',
      'state folder',
      { stateFolder: { path: '/s', exists: false, writable: false, mode: null } },
      'ok',
      /will be made/,
    ],
    [
      'an agent in trouble',
      'agent',
      { agent: { state: 'troubled', pid: 7, trouble } },
      'failure',
      /Process 7 lives and is of no use: It broke/,
    ],
    [
      'an agent with an old config',
      'agent',
      { agent: { ...runningAgent(), configTrouble: 'line 3' } },
      'warning',
      /older config.*line 3/,
    ],
    [
      'Redis down',
      'redis',
      {
        redis: { state: 'unreachable', address: 'r', trouble },
        schedulerLocks: null,
        queues: null,
      },
      'failure',
      /It broke/,
    ],
    [
      'no Redis',
      'redis',
      { redis: { state: 'missing', installCommand: 'get it' } },
      'failure',
      /neither/,
    ],
    [
      'Redis at rest',
      'redis',
      { redis: { state: 'on_demand', program: '/r' } },
      'ok',
      /\/r\) is started/,
    ],
    [
      'old Redis',
      'redis version',
      { redis: connected({ version: '6.0.16' }) },
      'failure',
      /too old/,
    ],
    [
      'the oldest Redis',
      'redis version',
      { redis: connected({ version: '6.2.0' }) },
      'ok',
      /6\.2\.0/,
    ],
    [
      'eviction with a limit',
      'redis memory',
      { redis: connected({ maxMemoryPolicy: 'allkeys-lru', maxMemoryBytes: 1 }) },
      'failure',
      /allkeys-lru/,
    ],
    [
      'eviction without a limit',
      'redis memory',
      { redis: connected({ maxMemoryPolicy: 'allkeys-lru' }) },
      'warning',
      /allkeys-lru/,
    ],
    [
      'no persistence',
      'redis persistence',
      { redis: connected({ appendOnly: false }) },
      'warning',
      /loses every job/,
    ],
    [
      'snapshots only',
      'redis persistence',
      { redis: connected({ appendOnly: false, save: '3600 1' }) },
      'warning',
      /may lose minutes/,
    ],
    [
      'a full disk',
      'redis persistence',
      { redis: connected({ appendOnlyHealthy: false }) },
      'failure',
      /can not write/,
    ],
    [
      'two schedulers',
      'scheduler',
      { schedulerLocks: [lockRow(), lockRow({ name: 'other' })] },
      'failure',
      /more than one/,
    ],
    [
      'a dead scheduler',
      'scheduler',
      { schedulerLocks: [lockRow({ state: 'holder_dead' })] },
      'warning',
      /is gone/,
    ],
    ['no scheduler', 'scheduler', { schedulerLocks: [] }, 'warning', /Nobody holds/],
    [
      'no schedule',
      'scheduler',
      { schedulerLocks: [], declared: { jobs: 1, schedules: 0, streams: 0 } },
      'ok',
      /no scheduler is needed/,
    ],
    [
      'a replica',
      'redis writes',
      { redis: connected({ isReplica: true }) },
      'failure',
      /takes no writes/,
    ],
    [
      'a snapshot that could not be written',
      'redis writes',
      { redis: connected({ snapshotHealthy: false }) },
      'failure',
      /may refuse writes/,
    ],
    [
      'metrics on a port of another',
      'metrics',
      { agent: { ...runningAgent(), metricsTrouble: 'Port 1 is taken.' } },
      'failure',
      /Port 1 is taken/,
    ],
    [
      'a deprecated variable',
      'environment',
      { env: { ENABLE_SCHEDULERS: 'true' } },
      'warning',
      /deprecated/,
    ],
    [
      'a role that does not exist',
      'environment',
      { env: { SERVICE_ROLE: 'worker,jobs' } },
      'failure',
      /"worker,jobs", which is no role/,
    ],
    ['good roles', 'environment', { env: { SERVICE_ROLE: 'calls, worker' } }, 'ok', /No variable/],
    [
      'an agent that died',
      'agents',
      { peers: [peer({}), peer({ role: 'worker', pid: 9, state: 'dead' })] },
      'warning',
      /worker box:9 is dead/,
    ],
    [
      'an agent of another host that is silent',
      'agents',
      { peers: [peer({}), peer({ host: 'far', state: 'silent' })] },
      'warning',
      /all far:1 is silent/,
    ],
    [
      'agents that live',
      'agents',
      { peers: [peer({}), peer({ role: 'api', pid: 3 })] },
      'ok',
      /all box:1, api box:3/,
    ],
    [
      'a role that nobody has',
      'roles',
      { peers: [peer({ role: 'calls,worker' })] },
      'failure',
      /^No agent has the role scheduler: no schedule is looked at\.$/,
    ],
    [
      'one role for each duty',
      'roles',
      { peers: [peer({ role: 'calls,worker' }), peer({ role: 'scheduler' })] },
      'ok',
      /Somebody/,
    ],
    [
      'a dead agent for no worker',
      'roles',
      { peers: [peer({ role: 'scheduler,calls' }), peer({ state: 'dead' })] },
      'failure',
      /role worker/,
    ],
    [
      'a run whose lock nobody has',
      'stuck jobs',
      { stuckJobs: [stuck({}), stuck({ why: 'too_long', id: '8' })] },
      'failure',
      /^sync low\/7 for 2 h count as running/,
    ],
    [
      'a run that goes on and on',
      'stuck jobs',
      { stuckJobs: Array.from({ length: 7 }, () => stuck({ why: 'too_long' })) },
      'warning',
      /for 2 h and 2 more\./,
    ],
    [
      'a paused queue with jobs',
      'paused queues',
      { queues: [queue({ name: 'low', pending: 4, paused: true })] },
      'warning',
      /low \(4 jobs\)/,
    ],
    [
      'a schedule of another program without its job',
      'stuck schedules',
      { queues: [queue({ stuckSchedules: ['default/nightly'] }), queue({ name: 'low' })] },
      'warning',
      /no other one: default\/nightly\./,
    ],
    [
      'a queue without worker',
      'workers',
      { queues: [queue({ name: 'low', pending: 3, workers: 0 })] },
      'failure',
      /low \(3 jobs\)/,
    ],
    [
      'a queue of another program without worker',
      'workers',
      { queues: [queue({ name: 'emails', declared: false, pending: 3, workers: 0 })] },
      'warning',
      /emails \(3 jobs\)/,
    ],
    [
      'an empty queue without worker',
      'workers',
      { queues: [queue({ name: 'low', workers: 0 })] },
      'ok',
      /Every queue/,
    ],
    [
      'workers that are not told',
      'workers',
      { queues: [queue({ name: 'low', pending: 3, workers: null })] },
      'warning',
      /does not tell/,
    ],
    [
      'failed jobs',
      'failed jobs',
      { queues: [queue({ name: 'low', failed: 4 })] },
      'warning',
      /4 in low/,
    ],
    [
      'a suspended stream',
      'streams',
      {
        streams: [
          streamRow({ connections: [connectionRow({ state: 'suspended', trouble: '401' })] }),
        ],
      },
      'failure',
      /Given up: nse: 401/,
    ],
    [
      'a stream that comes back',
      'streams',
      { streams: [streamRow({ connections: [connectionRow({ state: 'backing_off' })] })] },
      'warning',
      /Not live: nse: backing off/,
    ],
  ];
  for (const [what, name, facts, status, message] of cases) {
    it(`takes ${what} for ${status}`, () => {
      const found = check(name, facts);
      assert.equal(found.status, status);
      assert.match(found.message, message);
    });
  }

  it('leaves out what can not be known', () => {
    const facts = {
      ...{ ...healthy, schedulerLocks: null, queues: null, streams: null },
      ...{ stuckJobs: null, peers: null },
    };
    const names = assess(facts).map(({ name }) => name);
    const unknowns = ['scheduler', 'workers', 'failed jobs', 'streams', 'stuck jobs', 'agents'];
    for (const unknown of unknowns) {
      assert.ok(!names.includes(unknown), unknown);
    }
  });
});

function runningAgent() {
  assert.equal(healthy.agent.state, 'running');
  return healthy.agent;
}
