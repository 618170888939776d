import type { Command } from 'commander';
import * as z from 'zod';
import { sleep } from '../../common/clock.ts';
import { InterlockError } from '../../common/errors.ts';
import { loadConfig } from '../../config/load.ts';
import type { AgentClient } from '../../protocol/agentClient.ts';
import { ROLE_ALL } from '../../protocol/role.ts';
import { stopWithinMs } from '../../stopBound.ts';
import { obtainAgent } from '../agentLifecycle.ts';
import type { SpawnedAgent } from '../agentProcess.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { durationFlag } from '../flags.ts';
import { gatherStatus } from '../gatherStatus.ts';
import { Interrupts } from '../interrupts.ts';
import { AgentWatch } from '../live/agentWatch.ts';
import { UpDisplay } from '../live/upDisplay.ts';
import { countState, startFigures, type UpFigures } from '../live/upFigures.ts';
import { upSummary, upSummaryText } from '../live/upSummary.ts';
import type { CliSession } from '../session.ts';

/** Beyond what the stop itself may take. */
const STOP_RESERVE_MS = 2_700;
const LAST_LOOK_DEADLINE_MS = 2_000;
/** A process needs a moment between closing its socket and being gone. */
const END_AFTER_CLOSE_MS = 5_000;
const EXIT_INTERRUPTED = 130;

export function addUpCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'up',
    summary: 'run everything in the foreground and watch it',
    help: 'Ctrl+C stops in order, a second one at once. An agent that runs already is only watched.',
    options: [['--for <duration>', 'end by itself after that long, such as 20s']],
    input: z.object({ for: durationFlag.optional() }),
    // Whatever the environment says: everything runs here.
    run: (session, input) => runUp(session.of(ROLE_ALL), input.for),
  });
}

async function runUp(session: CliSession, forMs: number | undefined): Promise<ExitCode> {
  const { io } = session;
  let own: SpawnedAgent | undefined;
  let display: UpDisplay | undefined;
  const interrupts = new Interrupts(io, () => {
    display?.end();
    own?.child.kill('SIGKILL');
    io.exitNow(EXIT_INTERRUPTED);
  });
  try {
    const { client, spawned } = await obtainAgent(session, {
      attachment: 'attached',
      signal: interrupts.signal,
      onSpawn: (agent) => (own = agent),
    });
    own = spawned;
    if (own === undefined) session.note(attachedText(client));
    const sinceMs = io.clock.monotonic();
    let figures = startFigures(io.startedAtMs);
    const watch = await AgentWatch.start(client, (state) => (figures = countState(figures, state)));
    display = new UpDisplay(session, () => watch.state, hintText(own, forMs));
    await waitForEnd(session, client, own, forMs, interrupts.signal);
    const last = await lastLook(session, client);
    display.end();
    const lastedMs = io.clock.monotonic() - sinceMs;
    if (own !== undefined) await stopSpawned(session, own);
    client.dispose();
    tell(session, { lastedMs, figures, last, watch, stopped: own !== undefined });
    return EXIT.done;
  } catch (error) {
    display?.end();
    if (own !== undefined) await stopSpawned(session, own);
    throw error;
  } finally {
    interrupts.dispose();
  }
}

/**
 * Until the time is over, a person interrupts, or the agent was stopped in order.
 * @throws InterlockError why the agent died
 */
async function waitForEnd(
  session: CliSession,
  client: AgentClient,
  own: SpawnedAgent | undefined,
  forMs: number | undefined,
  interrupted: AbortSignal,
): Promise<void> {
  const { clock } = session.io;
  const over = new AbortController();
  const asked = new Promise<'asked'>((resolve) => {
    if (interrupted.aborted) resolve('asked');
    interrupted.addEventListener('abort', () => resolve('asked'), { once: true });
  });
  const closed = new Promise<'closed'>((resolve) => client.onClose(() => resolve('closed')));
  const waits: Promise<'asked' | 'closed' | 'time'>[] = [asked, closed];
  if (forMs !== undefined) waits.push(sleep(clock, forMs, over.signal).then(() => 'time'));
  const why = await Promise.race(waits);
  over.abort();
  if (why !== 'closed') return;
  if (own === undefined) {
    throw new InterlockError({
      code: 'no_agent',
      message: `The agent (process ${client.record.pid}) that was watched has gone away.`,
      remedy: 'Run "interlock up" again to start one.',
    });
  }
  const timer = new AbortController();
  const end = await Promise.race([
    own.ended,
    sleep(clock, END_AFTER_CLOSE_MS, timer.signal).then(() => undefined),
  ]);
  timer.abort();
  // Somebody stopped it in order: that is an end as good as ours.
  if (end?.exitCode === 0) return;
  if (end !== undefined) throw end.error;
  throw new InterlockError({
    code: 'internal',
    message: `The agent (process ${own.pid}) closed its connection and still runs.`,
    remedy: `Read agent.log in ${session.stateFolder}.`,
  });
}

/** The figures as they are now; undefined when the agent is gone or does not answer. */
async function lastLook(session: CliSession, client: AgentClient) {
  const timer = new AbortController();
  try {
    return await Promise.race([
      gatherStatus(client),
      sleep(session.io.clock, LAST_LOOK_DEADLINE_MS, timer.signal).then(() => undefined),
    ]);
  } catch {
    return undefined;
  } finally {
    timer.abort();
  }
}

async function stopSpawned(session: CliSession, agent: SpawnedAgent): Promise<void> {
  const deadlineMs = stopWithinMs(finishRunsMs(session)) + STOP_RESERVE_MS;
  agent.child.kill('SIGTERM');
  const timer = new AbortController();
  const end = await Promise.race([
    agent.ended,
    sleep(session.io.clock, deadlineMs, timer.signal).then(() => undefined),
  ]);
  timer.abort();
  if (end !== undefined) return;
  session.note(`The agent did not stop within ${deadlineMs / 1_000} s and is killed.`);
  agent.child.kill('SIGKILL');
  await agent.ended;
}

/** What the config gives runs to finish; ms. */
function finishRunsMs(session: CliSession): number {
  try {
    const { config } = loadConfig(session.workspace, session.io.env);
    return config.shutdown.finishRuns;
  } catch {
    // It was broken after the agent had started.
    return 0;
  }
}

function tell(
  session: CliSession,
  end: {
    lastedMs: number;
    figures: UpFigures;
    last: Awaited<ReturnType<typeof lastLook>>;
    watch: AgentWatch;
    stopped: boolean;
  },
): void {
  const nowMs = session.io.clock.now();
  const summary = upSummary(end.lastedMs, end.figures, end.last, end.watch.state, nowMs);
  session.answer(summary, () => upSummaryText(summary, end.stopped));
}

function attachedText(client: AgentClient): string {
  return `An agent runs already (process ${client.record.pid}): it is only watched, and goes on afterwards.`;
}

function hintText(own: SpawnedAgent | undefined, forMs: number | undefined): string {
  if (forMs !== undefined) return `ends after ${forMs / 1_000} s`;
  return own === undefined ? 'Ctrl+C leaves, the agent goes on' : 'Ctrl+C stops';
}
