import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import { chooseRole, ROLE_NAMES, ROLE_VARIABLE } from '../../protocol/role.ts';
import { startAgent, stopAgent, type StartResult } from '../agentLifecycle.ts';
import { agentArguments, agentProgram } from '../agentProcess.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import type { CliSession } from '../session.ts';

const roleOption: [string, string] = [
  '--role <role>',
  `what it does: ${ROLE_NAMES.join(', ')}, or several joined with a comma (or ${ROLE_VARIABLE})`,
];
const input = z.object({ role: z.string().optional() });

/** The agent that a command is about. @throws InterlockError `bad_usage` for a role that is none */
const agentOf = (session: CliSession, role: string | undefined) =>
  session.of(chooseRole(role, session.io.env));

export function addAgentCommands(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'agent',
    summary: 'an agent in the foreground, as a service runs it',
    help: 'Ends on SIGINT and SIGTERM. Its log goes to stdout as JSON lines.',
    options: [
      roleOption,
      ['--queues <names>', 'run only jobs of these, joined with a comma (or SERVICE_QUEUES)'],
    ],
    input: input.extend({ queues: z.string().optional() }),
    run: (session, { role, queues }) => runAgentHere(agentOf(session, role), queues),
  });

  defineCommand(program, run, {
    name: 'start',
    summary: 'start an agent in the background',
    options: [roleOption],
    input,
    async run(session, { role }) {
      const result = await startAgent(agentOf(session, role));
      session.answer(result, () => startText(result));
      return EXIT.done;
    },
  });

  defineCommand(program, run, {
    name: 'stop',
    summary: 'stop the agent, and wait until it is gone',
    options: [roleOption],
    input,
    async run(session, { role }) {
      const result = await stopAgent(agentOf(session, role));
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
    options: [roleOption],
    input,
    async run(session, { role }) {
      const agent = agentOf(session, role);
      const stopped = await stopAgent(agent).catch((error: unknown) => {
        if (error instanceof InterlockError && error.code === 'no_agent') return undefined;
        throw error;
      });
      const started = await startAgent(agent);
      const result: StartResult =
        stopped === undefined ? started : { ...started, outcome: 'restarted' };
      session.answer(result, () => startText(result));
      return EXIT.done;
    },
  });
}

/** In this very process: signals, exit code and service managers need no go-between. */
async function runAgentHere(session: CliSession, queues: string | undefined): Promise<never> {
  session.requireWorkspace();
  const program = agentProgram(session);
  process.argv = [process.execPath, program, ...agentArguments(session)];
  if (queues !== undefined) process.argv.push('--queues', queues);
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
