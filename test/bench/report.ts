import { cpus, totalmem } from 'node:os';
import type { Row } from './figures/row.ts';

export interface Surroundings {
  redisVersion: string;
  tookMs: number;
  atMs: number;
}

const COLUMNS = ['figure', 'bar', 'measured', 'peer', 'ratio', 'verdict'] as const;

export function consoleTable(rows: Row[]): string {
  const width = (column: (typeof COLUMNS)[number]) =>
    Math.max(column.length, ...rows.map((row) => row[column].length));
  const line = (cells: Record<(typeof COLUMNS)[number], string>) =>
    COLUMNS.map((column) => cells[column].padEnd(width(column))).join('  ');
  const head = Object.fromEntries(COLUMNS.map((column) => [column, column]));
  return [
    line({ figure: '', bar: '', measured: '', peer: '', ratio: '', verdict: '', ...head }),
    ...rows.map((row) => line(row) + (row.note === '' ? '' : `\n    ${row.note}`)),
  ].join('\n');
}

export function markdown(rows: Row[], surroundings: Surroundings): string {
  const missed = rows.filter(({ verdict }) => verdict === 'MISSED');
  return `# Benchmarks

Written by \`npm run bench\`; do not edit. Both sides of a comparison run in the same few seconds, in
turn, each in processes of its own, against the same Redis (append-only file, unix socket). Rates are
medians over the rounds; a ratio is the median of the rounds' own ratios, so that what slows the
machine for a moment slows both sides of it.

${machine(surroundings)}

| figure | bar | measured | peer | ratio | |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${COLUMNS.map((column) => row[column]).join(' | ')} |`).join('\n')}

${missed.length === 0 ? 'Nothing that was measured misses its bar.' : `Missed: ${missed.map(({ figure }) => figure).join('; ')}.`}

## Notes

${rows
  .filter(({ note }) => note !== '')
  .map(({ figure, note }) => `- ${figure}: ${note}`)
  .join('\n')}

## How it is measured

- **enqueue**: new keys, so that every job is accepted. Ours: key, job, and the recorded decision,
  until the last decision is written. Peer: \`queue.add\` with the same options, a job id of the same
  form, and its own \`deduplication\` id.
- **jobs in handler processes**: a paused queue is filled, then opened; the time until nothing waits
  or runs. The handler returns a small object. Ours: one process for all runs, as is the default.
  Peer: BullMQ's sandboxed processors, which use as many processes as their concurrency.
- **inline**: the same with the handler in the worker's own process.
- **takeover**: a job that is at work; the agent that runs it is killed with SIGKILL at a moment that
  falls anywhere between two renewals, while another agent waits. The time until the handler begins
  there, as it writes down itself. Another host: the agents have other host ids, so that only the end
  of the lock tells. Peer: BullMQ's own worker with every setting at its default, in the same minutes.
- **\`interlock up\`**: the state folder exists already; it starts a private Redis, the agent, the
  schedules and a handler process.

Measure again with \`npm run bench\` on a machine that does nothing else. \`npm run bench -- --only jobs\`
measures one part (enqueue, jobs, streams, takeover, up, sizes) and writes no file.
`;
}

function machine({ redisVersion, tookMs, atMs }: Surroundings): string {
  const family = (cpus()[0]?.model ?? 'unknown processor').replace(/\s+/g, ' ').trim();
  return [
    `${new Date(atMs).toISOString().slice(0, 10)}: ${family}, ${cpus().length} cores,`,
    `${Math.round(totalmem() / 1_000_000_000)} GB, ${process.platform} ${process.arch},`,
    `Node ${process.versions.node}, Redis ${redisVersion}. It took ${Math.round(tookMs / 1_000)} s.`,
  ].join(' ');
}
