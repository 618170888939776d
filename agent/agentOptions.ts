import * as path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { InterlockError, messageOf } from './common/errors.ts';
import { canonicalWorkspace, defaultStateFolder } from './protocol/stateFolder.ts';

const ROLES = ['api', 'calls', 'worker', 'scheduler', 'all'];

const optionsSchema = z.object({
  workspace: z.string(),
  stateFolder: z.string(),
  redisUrl: z.string().optional(),
  role: z.literal('all'),
  /** Leave when no client has been there for that long and nothing runs. Left out: stay. */
  idleExitMs: z.number().nonnegative().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /** Where log lines go: a file in the state folder, or standard output. */
  logTo: z.enum(['file', 'stdout']).default('file'),
});

export type AgentOptions = z.infer<typeof optionsSchema>;

/**
 * Reads the agent's command line and environment.
 * @throws InterlockError `bad_usage`, or `not_supported_yet` for a role of its own
 */
export function readAgentOptions(argv: string[], env: NodeJS.ProcessEnv): AgentOptions {
  const values = parse(argv);
  const workspace = canonicalWorkspace(values.workspace ?? process.cwd());
  const role = values.role ?? 'all';
  if (!ROLES.includes(role)) {
    throw usage(`--role ${role} is no role.`, `Use one of ${ROLES.join(', ')}.`);
  }
  if (role !== 'all') {
    throw new InterlockError({
      code: 'not_supported_yet',
      message: `--role ${role} is not supported yet in this version.`,
      remedy: 'Use --role all.',
    });
  }
  const parsed = optionsSchema.safeParse({
    ...{ workspace, role },
    stateFolder: stateFolderFrom(values['state-dir'], env) ?? defaultStateFolder(workspace),
    redisUrl: values.redis,
    idleExitMs: numberFrom(values['idle-exit-ms']),
    logLevel: values['log-level'],
    logTo: values['log-to'],
  });
  if (parsed.success) return parsed.data;
  throw usage(z.prettifyError(parsed.error), 'See "interlock agent --help".');
}

/** Absolute, because clients in other folders are told of a socket in it. */
function stateFolderFrom(flag: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const given = [flag, env['INTERLOCK_STATE_DIR']].find(
    (text) => text !== undefined && text !== '',
  );
  return given === undefined ? undefined : path.resolve(given);
}

/** An empty text is no number, though JavaScript takes it for 0. */
function numberFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.trim() === '' ? NaN : Number(text);
}

function parse(argv: string[]) {
  try {
    const option = { type: 'string' } as const;
    return parseArgs({
      args: argv,
      options: {
        workspace: option,
        'state-dir': option,
        redis: option,
        role: option,
        'idle-exit-ms': option,
        'log-level': option,
        'log-to': option,
      },
    }).values;
  } catch (error) {
    throw usage(messageOf(error), 'See "interlock agent --help".');
  }
}

function usage(message: string, remedy: string): InterlockError {
  return new InterlockError({ code: 'bad_usage', message, remedy });
}
