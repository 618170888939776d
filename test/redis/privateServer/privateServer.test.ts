import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Redis } from 'ioredis';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError, type ErrorCode } from '../../../agent/common/errors.ts';
import { ensurePrivateServer, shutdownIfUnused } from '../../../agent/redis/privateServer.ts';
import { findRedisServer, installCommand } from '../../../agent/redis/redisServerBinary.ts';
import { startProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';
import { PROJECT_ROOT } from '../../harness/workspace.ts';

const KEEPER = path.join(PROJECT_ROOT, 'dist', 'redisKeeper.js');

describe('the private Redis', () => {
  let folder: TemporaryFolder;
  let clients: Redis[];

  beforeEach(() => {
    folder = makeTemporaryFolder();
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.disconnect();
    await shutdownIfUnused(path.join(folder.path, 'redis.sock'), 'interlock');
    folder.remove();
  });

  const ensure = (env?: NodeJS.ProcessEnv) => ensurePrivateServer(folder.path, systemClock, env);

  function connect(socketPath: string, name = 'test'): Redis {
    const redis = new Redis({ path: socketPath, connectionName: name, retryStrategy: () => null });
    redis.on('error', () => undefined);
    clients.push(redis);
    return redis;
  }

  async function infoOf(redis: Redis, field: string): Promise<string> {
    return new RegExp(`^${field}:(.*)$`, 'm').exec(await redis.info())?.[1]?.trim() ?? '';
  }

  const refused = (code: ErrorCode, remedy: RegExp) => (error: unknown) => {
    assert.ok(error instanceof InterlockError, String(error));
    assert.equal(error.code, code);
    assert.match(error.remedy ?? '', remedy);
    return true;
  };

  it('listens on a socket that is ours alone and on no network, and keeps everything', async () => {
    const socketPath = await ensure();
    assert.equal(statSync(socketPath).mode & 0o777, 0o700);
    const redis = connect(socketPath);
    const wanted = {
      port: '0',
      appendonly: 'yes',
      'maxmemory-policy': 'noeviction',
      appendfsync: 'everysec',
    };
    for (const [name, value] of Object.entries(wanted)) {
      assert.deepEqual(await redis.config('GET', name), [name, value]);
    }
    assert.equal(await infoOf(redis, 'tcp_port'), '0');
  });

  it('is used again when it is there', async () => {
    const first = await infoOf(connect(await ensure()), 'run_id');
    assert.equal(await infoOf(connect(await ensure()), 'run_id'), first);
  });

  it('is one server when several start it at once', async () => {
    const paths = await Promise.all(Array.from({ length: 4 }, () => ensure()));
    const ids = await Promise.all(paths.map((socketPath) => infoOf(connect(socketPath), 'run_id')));
    assert.equal(new Set(ids).size, 1);
  });

  it('keeps its data over an end in order, and over kill -9', async () => {
    const first = connect(await ensure());
    await first.set('kept', 'yes');
    const pid = Number(await infoOf(first, 'process_id'));
    first.disconnect();
    assert.equal(await shutdownIfUnused(path.join(folder.path, 'redis.sock'), 'interlock'), true);
    const second = connect(await ensure());
    assert.equal(await second.get('kept'), 'yes');
    const secondPid = Number(await infoOf(second, 'process_id'));
    assert.notEqual(secondPid, pid);
    await second.set('kept', 'still');
    process.kill(secondPid, 'SIGKILL');
    await eventually('its end', () => second.status === 'end');
    assert.equal(await connect(await ensure()).get('kept'), 'still');
  });

  it('is not ended while another client of ours uses it', async () => {
    const socketPath = await ensure();
    await connect(socketPath, 'interlock-other:commands').ping();
    const own = connect(socketPath, 'interlock-own:commands');
    await own.ping();
    assert.equal(await shutdownIfUnused(socketPath, 'interlock-own'), false);
    assert.equal(await own.ping(), 'PONG');
    assert.equal(await shutdownIfUnused(path.join(folder.path, 'nothing'), 'interlock'), false);
  });

  it('that is frozen is not taken for one that is gone: no second one gets its data', async () => {
    const redis = connect(await ensure());
    const pid = Number(await infoOf(redis, 'process_id'));
    process.kill(pid, 'SIGSTOP');
    try {
      await assert.rejects(ensure(), refused('redis_unreachable', /redis\.log/));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal(await infoOf(connect(await ensure()), 'process_id'), String(pid));
  });

  it('replaces a socket that nobody listens at', async () => {
    const socketPath = path.join(folder.path, 'redis.sock');
    writeFileSync(socketPath, '');
    assert.equal(await connect(await ensure()).ping(), 'PONG');
  });

  it('says in its own words why it does not start', async () => {
    mkdirSync(path.join(folder.path, 'redis', 'appendonlydir'), { recursive: true });
    writeFileSync(
      path.join(folder.path, 'redis', 'appendonlydir', 'appendonly.aof.manifest'),
      'nonsense',
    );
    await assert.rejects(ensure(), (error) => {
      refused('redis_unreachable', /redis\.log/)(error);
      assert.match(error instanceof Error ? error.message : '', /ended with code 1.*manifest/is);
      return true;
    });
  });

  it('that is not on this machine is an error with the command that installs it', async () => {
    assert.equal(findRedisServer({ PATH: folder.path }, []), undefined);
    assert.equal(installCommand('darwin'), 'brew install redis');
    assert.match(installCommand('linux'), /apt-get install/);
    const missing = ensurePrivateServer(folder.path, systemClock, { PATH: '' }, []);
    await assert.rejects(missing, refused('redis_missing', /install/));
  });

  it('is found as valkey-server, too, and only where it can be run', () => {
    const program = path.join(folder.path, 'valkey-server');
    writeFileSync(program, '', { mode: 0o600 });
    assert.equal(findRedisServer({ PATH: folder.path }, []), undefined);
    writeFileSync(path.join(folder.path, 'redis-server'), '', { mode: 0o700 });
    assert.equal(
      findRedisServer({ PATH: `:${folder.path}` }, []),
      path.join(folder.path, 'redis-server'),
    );
  });

  describe('its keeper', () => {
    const keep = (socketPath: string, graceMs: number) =>
      startProcess(process.execPath, [KEEPER, socketPath, String(graceMs)]);

    it('ends it when no client of ours has been there for the grace time, and itself', async () => {
      const redis = connect(await ensure());
      await redis.set('kept', 'yes');
      const keeper = await keep(path.join(folder.path, 'redis.sock'), 300);
      await eventually('the end of the server', () => redis.status === 'end');
      assert.equal(await keeper.ended, 0);
      assert.equal(await connect(await ensure()).get('kept'), 'yes');
    });

    it('leaves it alone while a client of ours is there, even one that comes late', async () => {
      const socketPath = await ensure();
      const client = connect(socketPath, 'interlock-a1:commands');
      await client.ping();
      const keeper = await keep(socketPath, 100);
      await eventually('the keeper', async () =>
        String(await client.client('LIST')).includes('name=interlock-keeper'),
      );
      const startedAt = performance.now();
      await eventually('many checks', () => performance.now() - startedAt > 2_500);
      assert.equal(await client.ping(), 'PONG');
      client.disconnect();
      assert.equal(await keeper.ended, 0);
    });

    it('goes when the server has gone', async () => {
      const redis = connect(await ensure());
      const pid = Number(await infoOf(redis, 'process_id'));
      const keeper = await keep(path.join(folder.path, 'redis.sock'), 60_000);
      await eventually('the keeper', async () =>
        String(await redis.client('LIST')).includes('name=interlock-keeper'),
      );
      process.kill(pid, 'SIGKILL');
      assert.equal(await keeper.ended, 0);
    });

    it('is started with the server, and again when it was killed alone', async () => {
      const redis = connect(await ensure());
      const keepers = async () =>
        [...String(await redis.client('LIST')).matchAll(/name=interlock-keeper/g)].length;
      await eventually('a keeper', async () => (await keepers()) === 1);
      await ensure();
      assert.equal(await keepers(), 1);
      await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await eventually('none', async () => (await keepers()) === 0);
      await ensure();
      await eventually('a keeper again', async () => (await keepers()) === 1);
    });
  });
});
