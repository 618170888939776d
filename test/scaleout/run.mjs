// `npm run test:scaleout`: what must hold on every kind of Redis, on Redis Cluster and on Sentinel.
// `npm run test:scaleout -- sentinel` runs one of them. Needs a build.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KINDS = ['cluster', 'sentinel'];

/** A sentinel on a machine that stalls decides nothing for 30 s: too long for every run of all tests. */
const FILES_OF = { cluster: [], sentinel: ['test/scaleout/sentinel.test.ts'] };

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
    ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', ...FILES, ...FILES_OF[kind]],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, INTERLOCK_TEST_REDIS: kind } },
  );
  if (status !== 0) process.exitCode = 1;
}
