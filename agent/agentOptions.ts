import * as path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { InterlockError, messageOf } from './common/errors.ts';
import { chooseRole, type Role } from './protocol/role.ts';
import { canonicalWorkspace, roleStateFolder } from './protocol/stateFolder.ts';

const optionsSchema = z.object({
  workspace: z.string(),
  stateFolder: z.string(),
  redisUrl: z.string().optional(),
  /** Whose jobs it runs. Left out: those of every queue. */
  queues: z.array(z.string().min(1)).optional(),
  /** Leave when no client has been there for that long and nothing runs. Left out: stay. */
  idleExitMs: z.number().nonnegative().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /** Where log lines go: a file in the state folder, or standard output. */
  logTo: z.enum(['file', 'stdout']).default('file'),
});

export type AgentOptions = z.infer<typeof optionsSchema> & { role: Role };

/** Reads the agent's command line and environment. @throws InterlockError `bad_usage` */
export function readAgentOptions(argv: string[], env: NodeJS.ProcessEnv): AgentOptions {
  const values = parse(argv);
  const workspace = canonicalWorkspace(values.workspace ?? process.cwd());
  const role = chooseRole(values.role, env);
  const parsed = optionsSchema.safeParse({
    workspace,
    stateFolder: stateFolderFrom(values['state-dir'], env) ?? roleStateFolder(workspace, role),
    redisUrl: values.redis,
    queues: namesFrom(values.queues ?? env['SERVICE_QUEUES']),
    idleExitMs: numberFrom(values['idle-exit-ms']),
    logLevel: values['log-level'],
    logTo: values['log-to'],
  });
  if (parsed.success) return { ...parsed.data, role };
  throw usage(z.prettifyError(parsed.error), 'See "interlock agent --help".');
}

/** Absolute, because clients in other folders are told of a socket in it. */
function stateFolderFrom(flag: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const given = [flag, env['INTERLOCK_STATE_DIR']].find(
    (text) => text !== undefined && text !== '',
  );
  return given === undefined ? undefined : path.resolve(given);
}

/** `low, maintenance`; an empty text is none. */
function namesFrom(text: string | undefined): string[] | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  return text.split(',').map((name) => name.trim());
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
        queues: option,
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
