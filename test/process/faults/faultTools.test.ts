import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { BREAK_NAMES, copyBuild } from '../../faults/brokenBuild.ts';
import { RedisProxy } from '../../faults/redisProxy.ts';
import { Resource } from '../../faults/resource.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeTemporaryFolder } from '../../harness/temporaryFolder.ts';
import { PROJECT_ROOT } from '../../harness/workspace.ts';

/** A fault that does not happen finds nothing: each tool is looked at by itself. */
describe('tools of the fault runner', () => {
  describe('the proxy', () => {
    let server: RedisServer;
    let proxy: RedisProxy;
    let near: Redis;

    beforeEach(async () => {
      server = await RedisServer.start();
      proxy = await RedisProxy.start(server.socketPath);
      near = new Redis(proxy.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
      near.on('error', () => undefined);
      await near.ping();
    });

    afterEach(async () => {
      near.disconnect();
      await proxy.close();
      await server.stop();
    });

    it('cuts connections, and lets them be made again', async () => {
      const closed = new Promise((resolve) => near.once('close', resolve));
      proxy.setMode('cut');
      await closed;
      const set = near.set('a', '1');
      await eventually('some attempts in vain', () => near.status === 'reconnecting');
      equal(await server.client().get('a'), null);
      proxy.setMode('open');
      equal(await set, 'OK');
    });

    it('holds back what is sent while it is stalled', async () => {
      proxy.setMode('stalled');
      const set = near.set('a', '1');
      const other = server.client();
      // Redis has time to take it: other commands come through meanwhile.
      for (let i = 0; i < 50; i++) equal(await other.get('a'), null);
      proxy.setMode('open');
      equal(await set, 'OK');
    });

    it('lets requests through and throws answers away while it is mute', async () => {
      const once = new Redis(proxy.url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
      once.on('error', () => undefined);
      await once.ping();
      proxy.setMode('mute');
      const added = once.incr('a').then(
        () => 'answered',
        () => 'no answer',
      );
      await eventually('Redis to count', async () => (await server.client().get('a')) === '1');
      proxy.setMode('open');
      equal(await added, 'no answer');
      once.disconnect();
    });
  });

  it('the resource refuses a token that is lower than one it has seen for the key', async () => {
    const resource = await Resource.start();
    const socket = connect(resource.port, '127.0.0.1');
    const effect = { run: 'r', jobId: 'j', type: 't', n: null, attempt: 1, kind: 'start' };
    const tokens = [
      { key: 'a', fence: 5 },
      { key: 'a', fence: 7 },
      { key: 'a', fence: 6 },
      { key: 'b', fence: 1 },
      { key: 'a', fence: 7 },
    ];
    tokens.forEach(({ key, fence }, call) =>
      socket.write(`${JSON.stringify({ ...effect, key, fence, call })}\n`),
    );
    await eventually('all to be recorded', () => resource.effects.length === tokens.length);
    deepEqual(
      resource.effects.map(({ accepted }) => accepted),
      [true, true, false, true, true],
    );
    socket.destroy();
    await resource.close();
  });

  it('finds in the build what it is to take out', () => {
    const folder = makeTemporaryFolder();
    for (const name of BREAK_NAMES) {
      copyBuild(path.join(PROJECT_ROOT, 'dist'), path.join(folder.path, name), name);
    }
    folder.remove();
  });

  it('the faked clock moves dates and leaves monotonic time', () => {
    const folder = makeTemporaryFolder();
    const file = path.join(folder.path, 'clock');
    writeFileSync(file, '-600000');
    const clock = path.join(PROJECT_ROOT, 'test', 'faults', 'fakeClock.mjs');
    const program = `console.log(JSON.stringify({
      now: Date.now(), made: new Date().getTime(), given: new Date(5).getTime(),
      is: new Date() instanceof Date, monotonic: performance.now() }))`;
    const output = execFileSync(
      process.execPath,
      ['--import', pathToFileURL(clock).href, '-e', program],
      { encoding: 'utf8', env: { ...process.env, INTERLOCK_FAULT_CLOCK: file } },
    );
    const told = JSON.parse(output) as Record<string, unknown>;
    const expected = Date.now() - 600_000;
    for (const time of [told['now'], told['made']]) ok(Math.abs(Number(time) - expected) < 60_000);
    equal(told['given'], 5);
    equal(told['is'], true);
    ok(Number(told['monotonic']) < 60_000);
    folder.remove();
  });
});
