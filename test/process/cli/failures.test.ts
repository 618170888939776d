import assert from 'node:assert/strict';
import { connect, createServer, type Server } from 'node:net';
import * as path from 'node:path';
import { pipeline } from 'node:stream';
import { portOf } from '../../harness/portOf.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson, startInterlock } from './interlock.ts';

const stream = { url: 'ws://127.0.0.1:9', symbols: ['a'], job: 'echo' };
const jobs = { echo: { handler: './echo.ts', unique: { by: [] } } };

describe('a wrong config', () => {
  const twice = JSON.stringify({ jobs, streams: { nse: stream } }).replace(
    '"streams":{',
    `"streams":{"nse":${JSON.stringify(stream)},`,
  );
  const wrong: [string, string, RegExp][] = [
    ['an unknown key', '{"jobs":{},"jbos":{}}', /jbos = \{\}: no such setting/],
    [
      'a bad duration',
      '{"scheduler":{"cycle":"soon"}}',
      /scheduler\.cycle = "soon": expected a duration/,
    ],
    [
      'a handler file that is missing',
      '{"jobs":{"a":{"handler":"./a.ts"}}}',
      /jobs\.a\.handler = ".\/a\.ts": a file that exists/,
    ],
    ['two streams of one name', twice, /streams\.nse = .*each name once/],
    [
      'an isolation that there is not',
      '{"jobs":{"a":{"handler":"./echo.ts","isolation":"vm"}}}',
      /jobs\.a\.isolation = "vm": .*"process"\|"thread"\|"inline"/,
    ],
    ['no JSON', '{"jobs":', /is not JSON: .* at line 1, column 9/],
  ];
  for (const [what, text, message] of wrong) {
    it(`with ${what} is told by path, value and expectation: exit code 2`, async () => {
      const workspace = makeWorkspace(undefined, { 'echo.ts': ECHO_HANDLER });
      workspace.write('interlock.config.json', text);
      try {
        const { code, json } = await interlockJson(workspace, errorDocument, 'start');
        assert.equal(json.error.code, 'bad_config');
        assert.match(json.error.message, message);
        assert.notEqual(json.error.remedy, null);
        assert.equal(code, 2);
      } finally {
        workspace.remove();
      }
    });
  }

  it('is a failure for the doctor, and no race is run on it', async () => {
    const workspace = makeWorkspace({ jbos: {} });
    const [doctor, race] = await Promise.all([
      interlock(workspace, 'doctor'),
      interlock(workspace, 'simulate', 'duplicates', '--all-types'),
    ]);
    workspace.remove();
    assert.match(doctor.stdout, /failure +config +.*has a problem/);
    assert.equal(doctor.code, 1);
    assert.match(race.stderr, /jbos/);
    assert.equal(race.code, 2);
  });
});

describe('a workspace that is no folder', () => {
  it('is bad usage', async () => {
    const workspace = makeWorkspace({});
    const nowhere = path.join(workspace.folder, 'nowhere');
    const commands = [['start'], ['up'], ['agent'], ['simulate', 'duplicates']];
    const ends = commands.map((command) =>
      interlock(workspace, ...command, '--workspace', nowhere),
    );
    for (const { code, stderr } of await Promise.all(ends)) {
      assert.match(stderr, /There is no folder .*nowhere\.\nName the folder/);
      assert.equal(code, 2);
    }
    workspace.remove();
  });
});

describe('a Redis that does not let us in', () => {
  let workspace: TestWorkspace;
  let redis: RedisServer;
  /** Redis has no TCP port here, and a password goes with one. */
  let door: Server;

  before(async () => {
    workspace = makeWorkspace({ jobs }, { 'echo.ts': ECHO_HANDLER });
    redis = await RedisServer.start();
    await redis.client().config('SET', 'requirepass', 'secret');
    door = createServer((socket) => {
      const inside = connect(redis.socketPath);
      pipeline(socket, inside, socket, () => undefined);
    });
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  });

  after(async () => {
    door.close();
    await redis.stop();
    workspace.remove();
  });

  const ask = (url: string, ...args: string[]) =>
    interlockJson(workspace, errorDocument, ...args, '--redis', url);

  it('because nobody listens there: exit code 4', async () => {
    for (const args of [['start'], ['up'], ['simulate', 'duplicates', '--all-types']]) {
      const { code, json } = await ask('redis://127.0.0.1:1', ...args);
      assert.equal(json.error.code, 'redis_unreachable');
      assert.match(
        json.error.message,
        /redis:\/\/127\.0\.0\.1:1 can not be reached: .*ECONNREFUSED/,
      );
      assert.notEqual(json.error.remedy, null);
      assert.equal(code, 4);
    }
  });

  it('because it wants a password: exit code 4', async () => {
    const { code, json } = await ask(redis.url, 'start');
    assert.equal(json.error.code, 'redis_refused');
    assert.match(json.error.message, /refuses this client: .*NOAUTH/);
    assert.match(json.error.remedy ?? '', /redis:\/\/user:password@host:port/);
    assert.equal(code, 4);
  });

  it('because the password is wrong, which is not told on: exit code 4', async () => {
    const url = `redis://:wrong@127.0.0.1:${portOf(door)}`;
    const { code, json } = await ask(url, 'simulate', 'duplicates', '--all-types');
    assert.equal(json.error.code, 'redis_refused');
    assert.ok(!JSON.stringify(json).includes('wrong@'));
    assert.equal(code, 4);
  });

  it('is a failure for the doctor, who looks on', async () => {
    const { code, stdout } = await interlock(workspace, 'doctor', '--redis', 'redis://127.0.0.1:1');
    assert.match(stdout, /ok +config/);
    assert.match(stdout, /failure +redis +Redis at redis:\/\/127\.0\.0\.1:1 can not be reached/);
    assert.equal(code, 1);
  });

  it('takes the address from REDIS_URL too', async () => {
    const { code, stderr } = await startInterlock(workspace, ['start'], {
      REDIS_URL: 'redis://127.0.0.1:1',
    }).ended;
    assert.match(stderr, /redis:\/\/127\.0\.0\.1:1/);
    assert.equal(code, 4);
  });
});
