// The benchmarks: measures every figure, prints a table and writes docs/benchmarks.md.
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { RedisServer } from '../harness/redisServer.ts';
import { makeTemporaryFolder } from '../harness/temporaryFolder.ts';
import { measureEnqueue } from './figures/enqueue.ts';
import { measureJobs } from './figures/jobs.ts';
import { measureRace } from './figures/race.ts';
import type { Row } from './figures/row.ts';
import { measureSizes, readActivation } from './figures/sizes.ts';
import { measureStreams } from './figures/streams.ts';
import { measureTakeover } from './figures/takeover.ts';
import { measureUp } from './figures/up.ts';
import { consoleTable, markdown } from './report.ts';

const root = process.cwd();
const flag = process.argv.indexOf('--only');
const only = flag === -1 ? undefined : process.argv[flag + 1];

/** Fewer jobs and rounds, for a look while working; its figures are rough. */
const scale = process.argv.includes('--quick') ? 0.3 : 1;

const redis = await RedisServer.start();
const folder = makeTemporaryFolder();
const startedAt = performance.now();

const parts: Record<string, () => Row[] | Promise<Row[]>> = {
  enqueue: () => measureEnqueue(redis, folder.path, scale),
  race: () => measureRace(redis, folder.path, scale),
  jobs: () => measureJobs(redis, folder.path, scale),
  streams: () => measureStreams(redis.url, folder.path),
  takeover: () => measureTakeover(redis, scale),
  up: () => measureUp(root),
  sizes: () => [readActivation(root), ...measureSizes(root)],
};

try {
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (only !== undefined && only !== name) continue;
    process.stderr.write(`measuring ${name} …\n`);
    rows.push(...(await measure()));
  }
  process.stdout.write(`${consoleTable(rows)}\n`);
  if (only === undefined && scale === 1) await writeReport(rows);
} finally {
  await redis.stop();
  folder.remove();
}

async function writeReport(rows: Row[]): Promise<void> {
  const info = await redis.client().info('server');
  const redisVersion = /^(?:redis|valkey)_version:(.+)$/m.exec(info)?.[1]?.trim() ?? 'unknown';
  const tookMs = performance.now() - startedAt;
  const text = markdown(rows, { redisVersion, tookMs, atMs: Date.now() });
  writeFileSync(path.join(root, 'docs', 'benchmarks.md'), text);
  process.stdout.write('Written to docs/benchmarks.md\n');
}
