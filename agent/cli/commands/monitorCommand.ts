import type { Command } from 'commander';
import * as z from 'zod';
import { sleep } from '../../common/clock.ts';
import { InterlockError } from '../../common/errors.ts';
import type { AgentClient } from '../../protocol/agentClient.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { durationFlag } from '../flags.ts';
import { gatherMonitor, type MonitorRow } from '../gatherMonitor.ts';
import { Interrupts } from '../interrupts.ts';
import { ScreenPainter } from '../live/screenPainter.ts';
import type { CliSession } from '../session.ts';
import { monitorText } from '../text/monitorText.ts';
import { truncateVisible } from '../text/style.ts';

const INTERVAL_MS = 2_000;
const EXIT_INTERRUPTED = 130;

export function addMonitorCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'monitor',
    summary: 'job types: queued, running, limit, oldest and last run, refusals, next slot',
    help: 'Ended runs, accepted and refused count the newest 1,000 of each. With --json, --continuous prints one line each time.',
    options: [
      ['--continuous', 'go on looking, every 2 s, until Ctrl+C'],
      ['--for <duration>', 'with --continuous: end by itself after that long, such as 20s'],
      ['--job-type <type>', 'only this one'],
    ],
    input: z.object({
      continuous: z.boolean().default(false),
      for: durationFlag.optional(),
      jobType: z.string().min(1).optional(),
    }),
    async run(session, { continuous, for: forMs, jobType }) {
      if (forMs !== undefined && !continuous) throw forWithoutContinuous();
      await withAgent(session, async (client) => {
        if (continuous) await watch(session, client, jobType, forMs);
        else tell(session, await gatherMonitor(client, jobType));
      });
      return EXIT.done;
    },
  });
}

function tell(session: CliSession, rows: MonitorRow[]): void {
  session.answer(rows, () => monitorText(rows, session.io.clock.now(), session.style));
}

/** Looks again and again until the time is over or a person interrupts. */
async function watch(
  session: CliSession,
  client: AgentClient,
  jobType: string | undefined,
  forMs: number | undefined,
): Promise<void> {
  const { io } = session;
  const painter = new ScreenPainter(io.stdout);
  const interrupts = new Interrupts(io, () => {
    painter.end();
    io.exitNow(EXIT_INTERRUPTED);
  });
  const { signal } = interrupts;
  const endsAtMs = io.clock.monotonic() + (forMs ?? Infinity);
  try {
    while (!signal.aborted) {
      show(session, painter, await gatherMonitor(client, jobType));
      const leftMs = endsAtMs - io.clock.monotonic();
      if (leftMs <= 0) return;
      await sleep(io.clock, Math.min(INTERVAL_MS, leftMs), signal);
    }
  } finally {
    painter.end();
    interrupts.dispose();
  }
}

function show(session: CliSession, painter: ScreenPainter, rows: MonitorRow[]): void {
  const { io, json, style } = session;
  if (json) {
    io.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  const text = monitorText(rows, io.clock.now(), style);
  if (!io.stdout.isTerminal) {
    io.stdout.write(`${text}\n\n`);
    return;
  }
  const lines = text.split('\n').slice(0, Math.max(1, io.stdout.rows - 1));
  painter.paint(lines.map((line) => truncateVisible(line, io.stdout.columns)));
}

function forWithoutContinuous(): InterlockError {
  return new InterlockError({
    code: 'bad_usage',
    message: '--for: it says how long to go on, and without --continuous nothing goes on.',
    remedy: 'Add --continuous, or leave it out.',
  });
}
