import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { InterlockError } from '../../../agent/common/errors.ts';
import { redisConfig } from '../../../agent/config/redisConfig.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { checkPermissions } from '../../../agent/redis/permissions.ts';
import { chooseRedisTarget } from '../../../agent/redis/target.ts';
import { startFeedServer } from '../../../examples/market/feed/feedServer.mjs';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { Authority, type Certificate } from '../../harness/certificates.ts';
import { eventually } from '../../harness/eventually.ts';
import { freePorts, RedisNode } from '../../harness/redisNode.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';
import { ECHO_HANDLER, makeWorkspace, PROJECT_ROOT } from '../../harness/workspace.ts';

const ADMIN = { username: 'admin', password: 'admin-pw' };
const KEYS = new Keys('bull');

describe('access to Redis', function () {
  let folder: TemporaryFolder;
  let nodes: RedisNode[];
  let open: RedisConnections[];
  let cleanUps: (() => unknown)[];

  before(() => (folder = makeTemporaryFolder()));
  after(() => folder.remove());
  beforeEach(() => {
    nodes = [];
    open = [];
    cleanUps = [];
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    for (const connections of open) connections.close();
    await Promise.all(nodes.map((node) => node.stop()));
  });

  async function start(args: string[], client: object): Promise<number> {
    const [port = 0] = await freePorts(1);
    const own = path.join(folder.path, String(port));
    mkdirSync(own);
    nodes.push(await RedisNode.start({ folder: own, port, args, client }));
    return port;
  }

  /** As an agent connects. */
  async function connect(url: string, settings: object = {}): Promise<RedisConnections> {
    const target = chooseRedisTarget({
      ...{ flag: url, env: undefined, privateSocketPath: '/nowhere' },
      config: redisConfig.parse(settings),
    });
    const connections = await RedisConnections.open(target, 'test');
    open.push(connections);
    await checkPermissions(connections.commands, KEYS, target);
    return connections;
  }

  async function refuses(
    attempt: Promise<unknown>,
    code: string,
    message: RegExp,
    remedy: RegExp,
  ): Promise<void> {
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof InterlockError);
      assert.deepEqual(
        [error.code, error.message.match(message)?.length],
        [code, 1],
        error.message,
      );
      assert.match(error.remedy ?? '', remedy);
      assert.doesNotMatch(error.message, /wrong-pw/);
      return true;
    });
  }

  it('wants its password, and has the database that is named', async () => {
    const port = await start(['--requirepass', 'p@ss/word'], { password: 'p@ss/word' });
    const address = `127.0.0.1:${port}`;
    const connections = await connect(`redis://:p%40ss%2Fword@${address}/3`);
    await connections.commands.set('x', '1');
    const [keyspace = ''] = /^db3:.*/m.exec((await nodes[0]?.redis.info('keyspace')) ?? '') ?? [];
    assert.match(keyspace, /keys=1/);
    const url = /user and password in the URL/;
    await refuses(connect(`redis://${address}`), 'redis_refused', /NOAUTH/, url);
    await refuses(connect(`redis://:wrong-pw@${address}`), 'redis_refused', /WRONGPASS/, url);
    await refuses(connect(`redis://who:wrong-pw@${address}`), 'redis_refused', /WRONGPASS/, url);
    const cluster = connect(`redis+cluster://:wrong-pw@${address}`, { prefix: '{b}' });
    await refuses(cluster, 'redis_refused', /WRONGPASS/, url);
    const none = connect(`redis+cluster://:p%40ss%2Fword@${address}`, { prefix: '{b}' });
    await refuses(none, 'redis_unreachable', /is no Cluster/, /redis:\/\/host:port/);
  });

  it('names the commands that a user may not run, and the keys', async () => {
    const port = await start(
      aclOf(ADMIN_LINE, `user less on >pw ~bull:* +@all -xadd -hset`),
      ADMIN,
    );
    const docs = /docs\/redis\.md/;
    const less = connect(`redis://less:pw@127.0.0.1:${port}`);
    await refuses(less, 'redis_refused', /hset, xadd/, docs);
    const admin = nodes[0]?.redis;
    await admin?.call('ACL', 'SETUSER', 'less', 'reset', 'on', '>pw', '~other:*', '+@all');
    await refuses(connect(`redis://less:pw@127.0.0.1:${port}`), 'redis_refused', /NOPERM/, docs);
    await admin?.call(
      'ACL',
      'SETUSER',
      'less',
      'reset',
      'on',
      '>pw',
      '~bull:*',
      '+@all',
      '-eval',
      '-evalsha',
    );
    await refuses(connect(`redis://less:pw@127.0.0.1:${port}`), 'redis_refused', /'evalsha'/, docs);
  });

  it('an agent does all its work as the user that the documentation describes', async () => {
    const port = await start(aclOf(ADMIN_LINE, documentedUser()), ADMIN);
    const feed = await startFeedServer({ port: 0, ratePerSecond: 100 });
    cleanUps.push(() => feed.close());
    const workspace = makeWorkspace(
      {
        redis: { url: `redis://interlock:password@127.0.0.1:${port}` },
        jobs: {
          echo: { handler: './echo.ts', unique: { by: ['key'] }, maxConcurrent: 3 },
          fail: { handler: './fail.ts', retry: { max: 1, intervals: ['1s'] } },
        },
        schedules: { beat: { job: 'echo', every: '1s', data: { key: 'beat' } } },
        streams: {
          nse: { url: `ws://127.0.0.1:${feed.port}`, symbols: ['NSE:TCS25JULFUT'], job: 'echo' },
        },
      },
      { 'echo.ts': ECHO_HANDLER, 'fail.ts': 'export default () => { throw new Error("no"); };\n' },
    );
    cleanUps.push(() => workspace.remove());
    const agent = await AgentProcess.start(workspace);
    cleanUps.push(() => agent.kill());
    const { client } = agent;
    for (const type of ['echo', 'echo', 'fail']) {
      await client.request(requests.enqueue, { type, data: { key: 'same' } });
    }
    const ended = async () =>
      (await client.request(requests.history, { limit: 100, offset: 0 })).rows;
    await eventually('runs of all kinds', async () => {
      const types = (await ended()).map(({ type, status }) => `${type} ${status}`);
      return types.includes('echo completed') && types.includes('fail failed');
    });
    await client.request(requests.locks, {});
    await client.request(requests.schedules, {});
    await client.request(requests.pauseQueue, { queue: 'default' });
    await client.request(requests.resumeQueue, { queue: 'default' });
    await client.request(requests.stopStream, { name: 'nse' });
    await agent.stop();
    const log = await nodes[0]?.redis.call('ACL', 'LOG');
    assert.deepEqual(log, [], 'nothing was refused');
  });

  describe('with TLS', () => {
    let authority: Authority;
    let server: Certificate;
    let client: Certificate;
    let tlsPort: number;

    before(() => {
      authority = new Authority(folder.path);
      server = authority.sign('redis.test', 'DNS:redis.test');
      client = authority.sign('client', 'DNS:client.test');
    });

    async function startTls(clients: 'yes' | 'no'): Promise<void> {
      const tls = {
        ...{ ca: readFileSync(authority.caFile), servername: 'redis.test' },
        ...{ cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) },
      };
      const [port = 0] = await freePorts(1);
      tlsPort = port;
      const own = path.join(folder.path, `tls-${port}`);
      mkdirSync(own);
      const args = [
        ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', clients],
        ...['--tls-cert-file', server.certFile, '--tls-key-file', server.keyFile],
        ...['--tls-ca-cert-file', authority.caFile],
      ];
      nodes.push(await RedisNode.start({ folder: own, port, args, client: { tls } }));
    }
    const at = () => `rediss://127.0.0.1:${tlsPort}`;

    it('trusts the authority that the config names, and says what is wrong with a certificate', async () => {
      await startTls('no');
      const { caFile } = authority;
      const connections = await connect(at(), { tls: { caFile, serverName: 'redis.test' } });
      assert.equal(await connections.commands.ping(), 'PONG');
      await connect(at(), { tls: { rejectUnauthorized: false } });
      const code = 'redis_unreachable';
      await refuses(connect(at()), code, /is not trusted/, /redis\.tls\.caFile/);
      await refuses(
        connect(at(), { tls: { caFile } }),
        code,
        /another name/,
        /redis\.tls\.serverName/,
      );
      const missing = connect(at(), { tls: { caFile: '/nowhere/ca.pem' } });
      await refuses(missing, 'bad_config', /redis\.tls\.caFile can not be read/, /path/);
    });

    it('shows its own certificate to a server that wants one', async () => {
      await startTls('yes');
      const tls = { caFile: authority.caFile, serverName: 'redis.test' };
      const connections = await connect(at(), { tls: { ...tls, ...client } });
      assert.equal(await connections.commands.ping(), 'PONG');
      // The server hangs up: its reason comes through or does not.
      await assert.rejects(connect(at(), { tls }), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.match(error.remedy ?? '', /redis\.tls\.certFile/);
        return true;
      });
    });
  });

  function aclOf(...lines: string[]): string[] {
    const file = path.join(folder.path, `users-${nodes.length}-${lines.join('').length}.acl`);
    writeFileSync(file, `${lines.join('\n')}\nuser default off\n`);
    return ['--aclfile', file];
  }
});

const ADMIN_LINE = `user ${ADMIN.username} on >${ADMIN.password} ~* &* +@all`;

/** The one of docs/redis.md, as one line. */
function documentedUser(): string {
  const text = readFileSync(path.join(PROJECT_ROOT, 'docs', 'redis.md'), 'utf8');
  const [block] = /^user interlock [^`]+/m.exec(text) ?? [];
  if (block === undefined) throw new Error('docs/redis.md describes no user');
  return block.replaceAll(/\s+/g, ' ').trim();
}
