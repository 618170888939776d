// The benchmarks: measures every figure, prints a table and writes docs/benchmarks.md.
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { RedisServer } from '../harness/redisServer.ts';
import { makeTemporaryFolder } from '../harness/temporaryFolder.ts';
import { measureBatching } from './figures/batching.ts';
import { measureEnqueue } from './figures/enqueue.ts';
import { measureHandover } from './figures/handover.ts';
import { readEditorFigures } from './figures/inTheEditor.ts';
import { measureJobs } from './figures/jobs.ts';
import { measurePausedRun } from './figures/pausedRun.ts';
import { measurePool } from './figures/pool.ts';
import { measureRace } from './figures/race.ts';
import type { Row } from './figures/row.ts';
import { measureScaling } from './figures/scaling.ts';
import { measureSizes } from './figures/sizes.ts';
import { measureStreams } from './figures/streams.ts';
import type { Table } from './figures/table.ts';
import { measureTakeover } from './figures/takeover.ts';
import { measureUp } from './figures/up.ts';
import { consoleTable, markdown, plainTable } from './report.ts';

const root = process.cwd();
const flag = process.argv.indexOf('--only');
const only = flag === -1 ? undefined : process.argv[flag + 1];

/** Fewer jobs and rounds, for a look while working; its figures are rough. */
const scale = process.argv.includes('--quick') ? 0.3 : 1;

const redis = await RedisServer.start();
const folder = makeTemporaryFolder();
const startedAt = performance.now();

const parts: Record<string, () => Row[] | Promise<Row[] | Table>> = {
  enqueue: () => measureEnqueue(redis, folder.path, scale),
  race: () => measureRace(redis, folder.path, scale),
  jobs: () => measureJobs(redis, folder.path, scale),
  pausedRun: () => measurePausedRun(redis, scale),
  streams: () => measureStreams(redis.url, folder.path),
  pool: () => measurePool(redis, folder.path, scale),
  batching: () => measureBatching(redis, folder.path, scale),
  handover: () => measureHandover(redis, scale),
  scaling: () => measureScaling(redis, scale),
  takeover: () => measureTakeover(redis, scale),
  up: () => measureUp(root),
  sizes: () => [...readEditorFigures(root), ...measureSizes(root)],
};

if (only !== undefined && !Object.hasOwn(parts, only)) {
  process.stderr.write(`There is no part ${only}. Parts: ${Object.keys(parts).join(', ')}.\n`);
  process.exitCode = 2;
}

try {
  const rows: Row[] = [];
  const tables: Table[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (only !== undefined && only !== name) continue;
    process.stderr.write(`measuring ${name} …\n`);
    const found = await measure();
    if (Array.isArray(found)) rows.push(...found);
    else tables.push(found);
  }
  if (rows.length > 0) process.stdout.write(`${consoleTable(rows)}\n`);
  for (const table of tables) process.stdout.write(`${plainTable(table)}\n`);
  if (only === undefined && scale === 1) await writeReport(rows, tables);
} finally {
  await redis.stop();
  folder.remove();
}

async function writeReport(rows: Row[], tables: Table[]): Promise<void> {
  const info = await redis.client().info('server');
  const redisVersion = /^(?:redis|valkey)_version:(.+)$/m.exec(info)?.[1]?.trim() ?? 'unknown';
  const tookMs = performance.now() - startedAt;
  const text = markdown(rows, tables, { redisVersion, tookMs, atMs: Date.now() });
  writeFileSync(path.join(root, 'docs', 'benchmarks.md'), text);
  process.stdout.write('Written to docs/benchmarks.md\n');
}
