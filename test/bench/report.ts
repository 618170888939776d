import { cpus, totalmem } from 'node:os';
import type { Row } from './figures/row.ts';
import type { Table } from './figures/table.ts';

export interface Surroundings {
  redisVersion: string;
  tookMs: number;
  atMs: number;
}

const COLUMNS = ['figure', 'bar', 'measured', 'peer', 'ratio', 'verdict'] as const;

/** A table of its own, as text for a terminal. */
export function plainTable({ title, columns, rows, note }: Table): string {
  const lines = [columns, ...rows];
  const widthOf = (index: number) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0));
  const text = lines.map((cells) =>
    cells.map((cell, index) => cell.padStart(widthOf(index))).join('  '),
  );
  return ['', title, ...text, ...(note === '' ? [] : [`    ${note}`])].join('\n');
}

function markdownTable({ title, columns, rows, note }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = line(columns.map(() => '---:'));
  return `## ${title}\n\n${[line(columns), rule, ...rows.map(line)].join('\n')}\n\n${note}\n`;
}

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

export function markdown(rows: Row[], tables: Table[], surroundings: Surroundings): string {
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

${tables.map(markdownTable).join('\n')}
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
- **pool**: the stream service of an agent in one process, without the rest of the agent; each batch
  becomes a job in a queue without a worker, and is counted there by the numbers of its ticks. The
  feed is a process of its own, with one tick in each frame; it sends one tick of each symbol of a
  connection and a ping, at most two such rounds ahead of the pongs of that connection: each frame in
  a write of its own, and, told as such, all of a round in one. CPU time is that of the whole process
  with all its threads. The peers are as many connections of \`ws\` in one process; one parses each
  frame and counts ticks by symbol, the other one counts frames and does not look into them.
- **batching**: from a tick in memory to a handler that has touched it. Ours: four shards, batches of
  up to 500, one handler process with 4 runs at a time, as is the default. Peer: \`queue.add\` for each
  tick, 64 in flight, in one process; a worker with concurrency 16 in another one.
- **handover**: two agents, a stream of four shards, a feed in a process of its own that sends each
  symbol's ticks with one series of numbers to all who listen. The agent that stays and the one that
  leaves have two shards each. A shard's time is from the entry in Redis by which it is offered to the
  lease in Redis by which the other one holds it. Then a new agent joins, and the older one leaves.
- **scaling**: a whole agent with its workers and handler processes; the feed sends at a pace.
- **\`interlock up\`**: the state folder exists already; it starts a private Redis, the agent, the
  schedules and a handler process.

Measure again with \`npm run bench\` on a machine that does nothing else. \`npm run bench -- --only jobs\`
measures one part (enqueue, race, jobs, pausedRun, streams, pool,
batching, handover, scaling, takeover, up, sizes) and writes no file.
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
