import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../common/errors.ts';
import type { CliIo } from './cliIo.ts';
import { EXIT, type ExitCode } from './exitCodes.ts';
import { CliSession } from './session.ts';

/** One command of the table: what it takes, checked by `input`, and what it does. */
export interface CommandDefinition<Input extends z.ZodType> {
  name: string;
  summary: string;
  /** Further help, below the options. */
  help?: string;
  /** As commander writes them: `<type>`, `[ids...]`. */
  args?: string[];
  /** Flags and what they do: `['--count <n>', 'how many']`. */
  options?: [flags: string, description: string][];
  /** Arguments and options by name, in camelCase. */
  input: Input;
  run(session: CliSession, input: z.infer<Input>): Promise<ExitCode>;
}

/** Where a command leaves the exit code for the entry. */
export interface CliRun {
  io: CliIo;
  exitCode: ExitCode;
}

const globals = z.object({
  workspace: z.string().optional(),
  stateDir: z.string().optional(),
  redis: z.string().optional(),
  json: z.boolean().optional(),
});

/** The options that every command takes. */
export function addGlobalOptions(command: Command): Command {
  return command
    .option('--workspace <dir>', 'folder with interlock.config.json (default: this folder)')
    .option('--state-dir <dir>', "the agent's state folder (or INTERLOCK_STATE_DIR)")
    .option('--redis <url>', 'Redis to use (or REDIS_URL; default: the config, else a private one)')
    .option('--json', 'print one JSON document');
}

/** Adds a command below `parent`; commander parses the line, zod checks every value. */
export function defineCommand<Input extends z.ZodType>(
  parent: Command,
  run: CliRun,
  definition: CommandDefinition<Input>,
): Command {
  const command = parent.command(definition.name).description(definition.summary);
  for (const argument of definition.args ?? []) command.argument(argument);
  for (const [flags, description] of definition.options ?? []) command.option(flags, description);
  addGlobalOptions(command);
  if (definition.help !== undefined) command.addHelpText('after', `\n${definition.help}`);
  return command.action(async () => {
    const session = new CliSession(run.io, globals.parse(command.optsWithGlobals()));
    run.exitCode = EXIT.done;
    run.exitCode = await definition.run(session, parseInput(command, definition.input));
  });
}

function parseInput<Input extends z.ZodType>(command: Command, schema: Input): z.infer<Input> {
  const given: Record<string, unknown> = command.opts();
  const raw = Object.fromEntries(Object.entries(given).filter(([key]) => !(key in globals.shape)));
  command.registeredArguments.forEach((argument, index) => {
    const value: unknown = command.processedArgs[index];
    if (value !== undefined) raw[argument.name()] = value;
  });
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const isArgument = (name: string) =>
    command.registeredArguments.some((argument) => argument.name() === name);
  const problems = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '');
    if (name === '') return issue.message;
    return `${isArgument(name) ? name.toUpperCase() : flagOf(name)}: ${issue.message}`;
  });
  throw new InterlockError({
    code: 'bad_usage',
    message: problems.join('\n'),
    remedy: `See "${commandPath(command)} --help".`,
  });
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `interlock streams start`. */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}
