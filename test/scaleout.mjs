// `npm run test:scaleout`: what must hold on every kind of Redis, on Redis Cluster and on Sentinel.
// `npm run test:scaleout -- sentinel` runs one of them. Needs a build.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const KINDS = ['cluster', 'sentinel'];

/** Uniqueness, schedules, streams, and two agents with a failover in mid-run. */
const FILES = [
  'test/redis/scaleout/agents.test.ts',
  ...['activeJobs', 'enqueuer', 'jobActions', 'places', 'race', 'rules.property'].map(
    (name) => `test/redis/jobs/${name}.test.ts`,
  ),
  'test/redis/leases/contenders.test.ts',
  'test/redis/streams/streamRegistry.test.ts',
  'test/process/rules/*.test.ts',
];

const asked = process.argv.slice(2);
const unknown = asked.filter((kind) => !KINDS.includes(kind));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. Kinds: ${KINDS.join(', ')}.`);
  process.exit(2);
}

for (const kind of asked.length > 0 ? asked : KINDS) {
  console.log(`== ${kind}`);
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', ...FILES],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, INTERLOCK_TEST_REDIS: kind } },
  );
  if (status !== 0) process.exitCode = 1;
}
