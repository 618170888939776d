// `npm run test:scaleout`: what must hold on every kind of Redis, on Redis Cluster and on Sentinel.
// `npm run test:scaleout -- sentinel` runs one of them. Needs a build. The last line is
// `N passed, N failed`, over all kinds.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KINDS = ['cluster', 'sentinel'];

/** A sentinel on a machine that stalls decides nothing for 30 s: too long for every run of all tests. */
const FILES_OF = { cluster: [], sentinel: suites('scaleout', 'sentinel') };

/** Uniqueness, schedules, streams, and two agents with a failover in mid-run. */
const FILES = [
  ...suites('redis/scaleout', 'agents'),
  ...suites('redis/jobs', 'activeJobs', 'enqueuer', 'jobActions', 'places', 'queueDrain'),
  ...suites('redis/jobs', 'queueLimits', 'race', 'rules.property', 'workerPool'),
  ...suites('redis/leases', 'contenders', 'leases'),
  ...suites('redis/locks', 'listing', 'release'),
  ...suites('redis/reaper', 'reaper', 'takeover'),
  ...suites('redis/schedules', 'missedSlots', 'outsideSchedules', 'scheduleControl'),
  ...suites('redis/schedules', 'scheduler'),
  ...suites('redis/streams', 'redisWantedStore', 'streamHealth', 'streamPool', 'streamRegistry'),
  ...suites('redis/streams', 'streamService', 'venueShare'),
  ...suites('process/rules', 'customKey', 'stacking', 'switches', 'uniqueRules', 'wrongRules'),
  ...suites('process/schedules', 'threeSchedulers'),
  ...suites('process/streams', 'threeAgents', 'venueOfMany'),
  ...suites('process/takeover', 'takeover'),
];

const asked = process.argv.slice(2);
const unknown = asked.filter((kind) => !KINDS.includes(kind));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. Kinds: ${KINDS.join(', ')}.`);
  process.exit(2);
}

const folder = mkdtempSync(path.join(tmpdir(), 'ilk-scaleout-'));
const summaries = (asked.length > 0 ? asked : KINDS).map(runKind);
rmSync(folder, { recursive: true });
const sum = (what) => summaries.reduce((total, summary) => total + summary[what], 0);
for (const { kind, passed, failed } of summaries)
  console.log(`${kind}: ${passed} passed, ${failed} failed`);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

function runKind(kind) {
  console.log(`== ${kind}`);
  const results = path.join(folder, `${kind}.json`);
  const { status } = spawnSync(
    process.execPath,
    [
      ...['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', ...FILES, ...FILES_OF[kind]],
      // A test that does not run is a failure, never a gap.
      ...['--reporter', './test/harness/resultReporter.ts', '--forbid-pending'],
    ],
    {
      ...{ cwd: ROOT, stdio: 'inherit' },
      env: { ...process.env, INTERLOCK_TEST_REDIS: kind, INTERLOCK_TEST_RESULTS: results },
    },
  );
  const states = existsSync(results)
    ? JSON.parse(readFileSync(results, 'utf8')).map(({ state }) => state)
    : [];
  const passed = states.filter((state) => state === 'passed').length;
  const failed = states.filter((state) => state === 'failed').length;
  // A command that failed without a failed test, or without any test, failed in itself.
  const isBroken = failed === 0 && (status !== 0 || passed === 0);
  return { kind, passed, failed: isBroken ? 1 : failed };
}

/** Mocha only warns of a file that is not there: here it is an error. */
function suites(folder, ...names) {
  return names.map((name) => {
    const file = `test/${folder}/${name}.test.ts`;
    if (!existsSync(path.join(ROOT, file))) throw new Error(`There is no ${file}`);
    return file;
  });
}
