import { Command, CommanderError } from 'commander';
import { InterlockError, toInterlockError } from '../common/errors.ts';
import { VERSION } from '../version.ts';
import type { CliIo } from './cliIo.ts';
import { addAgentCommands } from './commands/agentCommands.ts';
import { addAgentsCommand } from './commands/agentsCommand.ts';
import { addDoctorCommand } from './commands/doctorCommand.ts';
import { addEnqueueCommand } from './commands/enqueueCommand.ts';
import { addHistoryCommand } from './commands/historyCommand.ts';
import { addJobCommands } from './commands/jobCommands.ts';
import { addLockCommands } from './commands/lockCommands.ts';
import { addMonitorCommand } from './commands/monitorCommand.ts';
import { addOrphanCommands } from './commands/orphanCommands.ts';
import { addQueueCommands } from './commands/queueCommands.ts';
import { addScheduleCommands } from './commands/scheduleCommands.ts';
import { addSimulateCommands } from './commands/simulateCommands.ts';
import { addStatsCommand } from './commands/statsCommand.ts';
import { addStatusCommand } from './commands/statusCommand.ts';
import { addStreamCommands } from './commands/streamCommands.ts';
import { addUpCommand } from './commands/upCommand.ts';
import { addWhyCommand } from './commands/whyCommand.ts';
import { addGlobalOptions, commandPath, type CliRun } from './defineCommand.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exitCodes.ts';
import { reportError } from './session.ts';

const EXIT_CODE_HELP = `
Exit codes: 0 done, 1 failed, 2 bad usage or config, 3 no agent, 4 Redis unreachable.`;

/** The whole command, without running it. */
export function buildProgram(run: CliRun): Command {
  const program = new Command('interlock')
    .description('One key, one run. See, run and debug jobs, schedules, streams and locks.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXIT_CODE_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => run.io.stdout.write(text),
      // Errors come out as exceptions and are told in one place.
      writeErr: () => undefined,
    })
    .enablePositionalOptions(false);
  addGlobalOptions(program);
  for (const add of [
    ...[addUpCommand, addAgentCommands, addStatusCommand, addEnqueueCommand, addJobCommands],
    ...[
      addQueueCommands,
      addStreamCommands,
      addScheduleCommands,
      addLockCommands,
      addOrphanCommands,
    ],
    ...[addAgentsCommand, addWhyCommand, addHistoryCommand, addMonitorCommand, addStatsCommand],
    ...[addSimulateCommands, addDoctorCommand],
  ]) {
    add(program, run);
  }
  return program;
}

/**
 * Runs one command line and tells its errors.
 * @param args what follows `interlock`
 * @returns the exit code of the process
 */
export async function runCli(args: string[], io: CliIo): Promise<ExitCode> {
  const run: CliRun = { io, exitCode: EXIT.done };
  const json = beforeDashes(args).includes('--json');
  const program = buildProgram(run);
  try {
    await program.parseAsync(args, { from: 'user' });
    return run.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done;
    const error =
      thrown instanceof CommanderError
        ? usageError(thrown, program, args)
        : toInterlockError(thrown);
    reportError(io, json, error);
    return exitCodeOf(error.code);
  }
}

/** After `--` nothing is a flag. */
function beforeDashes(args: string[]): string[] {
  const dashes = args.indexOf('--');
  return dashes === -1 ? args : args.slice(0, dashes);
}

function usageError(error: CommanderError, program: Command, args: string[]): InterlockError {
  const command = commandOf(program, args);
  const path = commandPath(command);
  const help = `See "${path} --help".`;
  const names = command.commands
    .filter((child) => child.name() !== 'help')
    .map((child) => child.name());
  if (error.code === 'commander.help') {
    const message = `${path} needs a command: ${names.join(', ')}.`;
    return new InterlockError({ code: 'bad_usage', message, remedy: help });
  }
  const [first = '', ...rest] = error.message.split('\n');
  const message = capitalised(first.replace(/^error: /, '').replace(/\.+$/, ''));
  if (error.code === 'commander.excessArguments' && names.length > 0) {
    const remedy = `Its commands are ${names.join(', ')}. ${help}`;
    return new InterlockError({ code: 'bad_usage', message: `${message}.`, remedy });
  }
  const hint = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  const remedy = hint === '' ? help : `${hint} ${help}`;
  return new InterlockError({ code: 'bad_usage', message: `${message}.`, remedy });
}

/** The command that a line is about, as far as its names go. */
function commandOf(program: Command, args: string[]): Command {
  let command = program;
  for (const arg of args) {
    const child = command.commands.find((candidate) => candidate.name() === arg);
    if (child !== undefined) command = child;
  }
  return command;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
