import assert from 'node:assert/strict';
import * as path from 'node:path';
import pino from 'pino';
import { systemClock, type Clock } from '../../../agent/common/clock.ts';
import { systemRandom } from '../../../agent/common/random.ts';
import { ServiceSet } from '../../../agent/compose.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { chooseRole } from '../../../agent/protocol/role.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';

/** The agent's file that a timer is for: the first one on the stack that is no way of waiting. */
const WAITING = /^(clock|wakeableSleep)\.ts$/;

/** The real clock; it tells which files of the agent have ever asked it for a timer. */
class WatchedClock implements Clock {
  readonly askedBy = new Set<string>();
  now = () => systemClock.now();
  monotonic = () => systemClock.monotonic();

  setTimeout(callback: () => void, delayMs: number) {
    const files = (new Error().stack ?? '').matchAll(/[/\\]agent[/\\][\w/\\]*?(\w+\.ts)/g);
    const names = [...files].map(([, name = '']) => name).filter((name) => !WAITING.test(name));
    this.askedBy.add(names[0] ?? '?');
    return systemClock.setTimeout(callback, delayMs);
  }
}

/** What looks by itself, in every role: who is there, what is old, which queues there are. */
const LOOKING = ['agentRegistry.ts', 'ageWatch.ts', 'queueSearch.ts'];
const RECOVERING = ['jobTakeover.ts', 'peerWatch.ts', 'reaper.ts'];
/** Its lock, or those of shards. */
const HOLDING = ['renewedLease.ts'];
const SCHEDULING = [...HOLDING, 'scheduler.ts'];
const STREAMING = [
  ...HOLDING,
  ...['registryBeat.ts', 'streamHealth.ts', 'streamPool.ts', 'streamService.ts'],
];

const TIMERS: Readonly<Record<string, string[]>> = {
  api: LOOKING,
  worker: [...LOOKING, ...RECOVERING],
  scheduler: [...LOOKING, ...RECOVERING, ...SCHEDULING],
  calls: [...LOOKING, ...RECOVERING, ...STREAMING],
  all: [...LOOKING, ...RECOVERING, 'scheduler.ts', ...STREAMING],
};

describe('the timers of a role', () => {
  let server: RedisServer;
  let feed: AnySymbolFeed;
  let workspace: TestWorkspace;

  before(async () => {
    server = await RedisServer.start();
    feed = await AnySymbolFeed.start(1_000);
    workspace = makeWorkspace(
      {
        jobs: { echo: { handler: './echo.ts' } },
        schedules: { yearly: { job: 'echo', cron: '0 0 1 1 *' } },
        streams: { ticks: { url: feed.url, symbols: ['A'], job: 'echo' } },
      },
      { 'echo.ts': ECHO_HANDLER },
    );
  });
  after(async () => {
    await feed.close();
    await server.stop();
    workspace.remove();
  });
  beforeEach(() => server.client().flushall());

  for (const [role, expected] of Object.entries(TIMERS)) {
    it(`${role}: ${expected.map((file) => path.basename(file, '.ts')).join(', ')}`, async () => {
      const clock = new WatchedClock();
      const target = { kind: 'url', url: server.url } as const;
      const connections = await RedisConnections.open(target, 'interlock-test');
      const services = new ServiceSet({
        ...{ config: loadConfig(workspace.folder, {}).config, workspace: workspace.folder },
        ...{ role: chooseRole(role, {}), stateFolder: null, connections, clock },
        ...{ holder: currentHolder(role, `agent-${role}`), random: systemRandom },
        ...{ logger: pino({ level: 'silent' }), onRunsChange: () => undefined },
      });
      await services.start();
      const own = () => [...clock.askedBy].filter((file) => ALL.has(file)).sort();
      const check = () => {
        assert.deepEqual(own(), [...expected].sort());
        return true;
      };
      try {
        await eventually('them', check);
      } finally {
        await services.close();
        connections.close();
      }
      check();
    });
  }
});

/** Others belong to one connection or one request. */
const ALL = new Set(Object.values(TIMERS).flat());
