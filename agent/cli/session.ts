import { statSync } from 'node:fs';
import * as path from 'node:path';
import { InterlockError } from '../common/errors.ts';
import { parseRole, ROLE_ALL, ROLE_VARIABLE, type Role } from '../protocol/role.ts';
import { canonicalWorkspace, roleStateFolder } from '../protocol/stateFolder.ts';
import type { CliIo } from './cliIo.ts';
import { styleFor, type Style } from './text/style.ts';

export interface GlobalOptions {
  workspace?: string | undefined;
  stateDir?: string | undefined;
  redis?: string | undefined;
  json?: boolean | undefined;
}

/** One invocation of the command: where it works, and how it answers. */
export class CliSession {
  readonly workspace: string;
  readonly stateFolder: string;
  /** Of the agent that is meant: it tells the state folder, where that is not named. */
  readonly role: Role;
  /** As named on the command line or in the environment; undefined: the config decides. */
  readonly redisUrl: string | undefined;
  readonly json: boolean;
  readonly style: Style;

  constructor(
    readonly io: CliIo,
    private readonly options: GlobalOptions,
    role?: Role,
  ) {
    this.workspace = canonicalWorkspace(path.resolve(io.cwd, options.workspace ?? '.'));
    // Where it names no role of ours, another program's is meant: only who starts an agent complains.
    this.role = role ?? parseRole(io.env[ROLE_VARIABLE] ?? '') ?? ROLE_ALL;
    const stateFolder = firstNonEmpty(options.stateDir, io.env['INTERLOCK_STATE_DIR']);
    this.stateFolder =
      stateFolder === undefined
        ? roleStateFolder(this.workspace, this.role)
        : path.resolve(io.cwd, stateFolder);
    this.redisUrl = firstNonEmpty(options.redis, io.env['REDIS_URL']);
    this.json = options.json ?? false;
    this.style = styleFor(io.stdout.isTerminal, io.env);
  }

  /** The same for an agent of that role. */
  of(role: Role): CliSession {
    return new CliSession(this.io, this.options, role);
  }

  /** @throws InterlockError `bad_usage` when the workspace is no folder */
  requireWorkspace(): void {
    if (statSync(this.workspace, { throwIfNoEntry: false })?.isDirectory() === true) return;
    throw new InterlockError({
      code: 'bad_usage',
      message: `There is no folder ${this.workspace}.`,
      remedy: 'Name the folder with interlock.config.json: --workspace DIR.',
    });
  }

  /** The answer: one JSON document, or text for a person. */
  answer(data: unknown, text: string | (() => string)): void {
    if (this.json) this.io.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
    else this.io.stdout.write(`${typeof text === 'string' ? text : text()}\n`);
  }

  /** Something on the way: never part of the answer. */
  note(text: string): void {
    this.io.stderr.write(`${text}\n`);
  }
}

/** How an error is told: to a script as JSON on stdout, to a person on stderr. */
export function reportError(io: CliIo, json: boolean, error: InterlockError): void {
  if (json) {
    const { code, message } = error;
    const document = { error: { code, message, remedy: error.remedy ?? null } };
    io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const style = styleFor(io.stderr.isTerminal, io.env);
  io.stderr.write(`${style.bad('Error:')} ${error.message}\n`);
  if (error.remedy !== undefined) io.stderr.write(`${error.remedy}\n`);
}

function firstNonEmpty(...candidates: (string | undefined)[]): string | undefined {
  return candidates.find((candidate) => candidate !== undefined && candidate !== '');
}
