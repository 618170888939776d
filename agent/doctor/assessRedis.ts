import { failure, ok, warning, type Check } from './check.ts';
import type { RedisFacts, RedisServerFacts } from './facts.ts';

/** BullMQ recommends it, and scripts of ours need it. */
const MIN_VERSION: readonly [major: number, minor: number] = [6, 2];

export function assessRedis(redis: RedisFacts): Check[] {
  switch (redis.state) {
    case 'missing':
      return [
        failure(
          'redis',
          'No Redis address is set, and neither redis-server nor valkey-server is on this machine.',
          `Run: ${redis.installCommand}. Or set "redis.url" in interlock.config.json.`,
        ),
      ];
    case 'on_demand':
      return [ok('redis', `The private server (${redis.program}) is started with the agent.`)];
    case 'unreachable':
      return [failure('redis', redis.trouble.message, redis.trouble.remedy)];
    case 'connected': {
      const where = redis.kind === 'private' ? 'The private server' : `Redis at ${redis.address}`;
      return [
        ok('redis', `${where} answers.`),
        ...assessWrites(redis.server),
        assessVersion(redis.server),
        assessMemory(redis.server),
        assessPersistence(redis.server),
      ];
    }
  }
}

/** A server that takes no writes is of no use to anybody here. */
function assessWrites({ isReplica, snapshotHealthy }: RedisServerFacts): Check[] {
  const name = 'redis writes';
  if (isReplica) {
    return [
      failure(
        name,
        'This server is a replica: it takes no writes.',
        'Use the address of the master, or Sentinel.',
      ),
    ];
  }
  if (snapshotHealthy) return [];
  return [
    failure(
      name,
      'Redis could not write its last snapshot, and may refuse writes for it.',
      'Look at its log and at the free disk space.',
    ),
  ];
}

function assessVersion({ version }: RedisServerFacts): Check {
  const name = 'redis version';
  if (version === null) return warning(name, 'Redis does not tell its version.', null);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minMajor, minMinor] = MIN_VERSION;
  if (major > minMajor || (major === minMajor && minor >= minMinor)) return ok(name, `${version}.`);
  return failure(
    name,
    `${version} is too old.`,
    `Use Redis ${MIN_VERSION.join('.')} or later, or Valkey.`,
  );
}

function assessMemory({ maxMemoryPolicy, maxMemoryBytes }: RedisServerFacts): Check {
  const name = 'redis memory';
  const remedy = 'Run in Redis: CONFIG SET maxmemory-policy noeviction (and in its config file).';
  if (maxMemoryPolicy === null)
    return warning(name, 'Redis does not tell its maxmemory-policy.', remedy);
  if (maxMemoryPolicy === 'noeviction') return ok(name, 'maxmemory-policy is noeviction.');
  const message = `maxmemory-policy is ${maxMemoryPolicy}: Redis removes jobs and locks when memory is short.`;
  return maxMemoryBytes > 0 ? failure(name, message, remedy) : warning(name, message, remedy);
}

function assessPersistence(server: RedisServerFacts): Check {
  const name = 'redis persistence';
  if (!server.appendOnlyHealthy) {
    return failure(
      name,
      'Redis can not write its append-only file.',
      'Look at its log and at the free disk space.',
    );
  }
  if (server.appendOnly) return ok(name, 'The append-only file is on.');
  const remedy = 'Run in Redis: CONFIG SET appendonly yes (and in its config file).';
  if (server.save === '') {
    return warning(name, 'Nothing is written to disk: a restart of Redis loses every job.', remedy);
  }
  return warning(
    name,
    'Only snapshots are written: a restart of Redis may lose minutes of jobs.',
    remedy,
  );
}
