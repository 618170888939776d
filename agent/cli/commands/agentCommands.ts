import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import { startAgent, stopAgent, type StartResult } from '../agentLifecycle.ts';
import { agentArguments, agentProgram } from '../agentProcess.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import type { CliSession } from '../session.ts';

const ROLES = ['api', 'calls', 'worker', 'scheduler', 'all'] as const;
const expectedRole = `expected one of ${ROLES.join(', ')}`;

export function addAgentCommands(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'agent',
    summary: 'an agent in the foreground, as a service runs it',
    help: 'Ends on SIGINT and SIGTERM. Its log goes to stdout as JSON lines.',
    options: [['--role <role>', `what it does: ${ROLES.join(', ')}`]],
    input: z.object({ role: z.enum(ROLES, expectedRole).default('all') }),
    async run(session, { role }) {
      if (role !== 'all') {
        throw new InterlockError({
          code: 'not_supported_yet',
          message: `The role "${role}" is not supported yet in this version.`,
          remedy: 'Use --role all, which does everything.',
        });
      }
      return runAgentHere(session, role);
    },
  });

  defineCommand(program, run, {
    name: 'start',
    summary: 'start an agent in the background',
    input: z.object({}),
    async run(session) {
      const result = await startAgent(session);
      session.answer(result, () => startText(result));
      return EXIT.done;
    },
  });

  defineCommand(program, run, {
    name: 'stop',
    summary: 'stop the agent, and wait until it is gone',
    input: z.object({}),
    async run(session) {
      const result = await stopAgent(session);
      session.answer(result, () =>
        result.forced
          ? session.style.warning(
              `The agent (process ${result.pid}) did not end in order and was killed.`,
            )
          : `The agent (process ${result.pid}) has stopped.`,
      );
      return EXIT.done;
    },
  });

  defineCommand(program, run, {
    name: 'restart',
    summary: 'stop the agent if one runs, and start one',
    input: z.object({}),
    async run(session) {
      const stopped = await stopAgent(session).catch((error: unknown) => {
        if (error instanceof InterlockError && error.code === 'no_agent') return undefined;
        throw error;
      });
      const started = await startAgent(session);
      const result: StartResult =
        stopped === undefined ? started : { ...started, outcome: 'restarted' };
      session.answer(result, () => startText(result));
      return EXIT.done;
    },
  });
}

/** In this very process: signals, exit code and service managers need no go-between. */
async function runAgentHere(session: CliSession, role: string): Promise<never> {
  session.requireWorkspace();
  const program = agentProgram(session);
  process.argv = [process.execPath, program, ...agentArguments(session, role)];
  if (process.connected) endWithParent();
  else process.argv.push('--log-to', 'stdout');
  await import(pathToFileURL(program).href);
  // The agent ends the process itself.
  return new Promise<never>(() => undefined);
}

/** Who started us with a channel wants us to end in order when it is gone, even by kill -9. */
function endWithParent(): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

function startText(result: StartResult): string {
  const what = {
    started: 'The agent has started',
    already_running: 'An agent runs already',
    restarted: 'The agent has restarted',
  }[result.outcome];
  return [
    `${what}: process ${result.pid}, socket ${result.socketPath}.`,
    `Its log is ${result.logFile}. Stop it with "interlock stop".`,
  ].join('\n');
}
