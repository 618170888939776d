// npm run test:faults: several agents, one Redis, a handler that changes a resource, and faults.
// Ends with 1 when something happened that must not. See docs/testing.md.
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../agent/common/errors.ts';
import { leftProcesses } from '../harness/leftProcesses.mjs';
import { PROJECT_ROOT } from '../harness/workspace.ts';
import { readFaultOptions, USAGE, type FaultOptions } from './faultOptions.ts';
import { summarize, summaryText, violationText } from './faultReport.ts';
import { FaultRun } from './faultRun.ts';

/** What was killed is cleaned up by others: an orphan is gone within 10 s, and a little more. */
const LEFT_DEADLINE_MS = 15_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(options: FaultOptions): Promise<number> {
  const { seed, broken } = options;
  say(`seed ${seed}${broken === undefined ? '' : `, without ${broken}`}`);
  const run = await FaultRun.start(options);
  if (run.slowness > 1) say(`slow machine: all times are ${run.slowness.toFixed(1)} times longer`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void endNow(run, signal));
  }
  process.once('uncaughtException', (error) => void endNow(run, error.stack ?? error.message));
  try {
    const told = new Set<string>();
    while (!run.isOver) {
      await run.round();
      progress(run, told);
    }
    await run.settle();
  } finally {
    await run.stop();
  }
  for (const { pid, command } of await leftProcesses(run.folder, LEFT_DEADLINE_MS)) {
    run.note('left_process', String(pid), `process ${pid} is left: ${command}`);
  }
  const violations = run.violations();
  const summary = summarize(run, seed, violations);
  process.stdout.write(`${options.json ? JSON.stringify(summary) : summaryText(summary)}\n`);
  if (options.keep || violations.length > 0) {
    writeFileSync(path.join(run.folder, 'record.json'), JSON.stringify(run.record()));
    say(`The record and the logs are in ${run.folder}`);
  } else run.removeFolder();
  return violations.length === 0 ? 0 : 1;
}

/** What was seen at once is told at once; the rest is told at the end. */
function progress(run: FaultRun, told: Set<string>): void {
  const { effects, enqueues, seen } = run.record();
  const refused = effects.filter(({ accepted }) => !accepted).length;
  const faults = Object.values(run.faults.counts).reduce((sum, count) => sum + count, 0);
  say(
    `round ${run.rounds}  ${(run.elapsedMs / 1_000).toFixed(1)} s  ${faults} faults, ${enqueues.length} enqueues, ${effects.length} effects, ${refused} refused`,
  );
  for (const violation of seen) {
    const name = `${violation.rule} ${violation.subject}`;
    if (told.has(name)) continue;
    told.add(name);
    say(violationText(violation));
  }
}

/** Nothing of a run that was cut short stays behind: its processes carry its folder in their environment. */
async function endNow(run: FaultRun, why: string): Promise<void> {
  say(why);
  for (const { pid } of await leftProcesses(run.folder, 0)) process.kill(pid, 'SIGKILL');
  await run.redis.server.kill();
  process.exit(2);
}

async function start(): Promise<number> {
  try {
    return await main(readFaultOptions(process.argv.slice(2), PROJECT_ROOT));
  } catch (error) {
    say(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n${USAGE}`);
    return 2;
  }
}

void start().then((code) => process.exit(code));
