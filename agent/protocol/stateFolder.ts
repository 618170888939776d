import { createHash } from 'node:crypto';
import { readdirSync, realpathSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ROLE_ALL, type Role } from './role.ts';

/** macOS allows 103 bytes for a unix socket path; Linux 107. */
const MAX_SOCKET_PATH_BYTES = 103;

/** The longest file that is put into a socket folder. */
const LONGEST_SOCKET_NAME = 'redis.sock';

/** The workspace's identity: links resolved, so that two spellings share one agent. */
export function canonicalWorkspace(workspace: string): string {
  const absolute = path.resolve(workspace);
  try {
    return realpathSync(absolute);
  } catch {
    return absolute;
  }
}

/** Where an agent keeps its state by default: one folder per user and workspace, short on purpose. */
export function defaultStateFolder(workspace: string, homeFolder: string = os.homedir()): string {
  return path.join(homeFolder, '.interlock', shortHash(canonicalWorkspace(workspace)));
}

/**
 * The default folder of an agent of a role: one of its own for each role, because a folder has one
 * socket. That of `all` is the workspace's.
 */
export function roleStateFolder(workspace: string, role: Role, homeFolder?: string): string {
  const folder = defaultStateFolder(workspace, homeFolder);
  return role.text === ROLE_ALL.text ? folder : `${folder}-${role.text.replaceAll(',', '-')}`;
}

/** The default folders of this workspace that are there, of whatever role. */
export function stateFoldersOf(workspace: string, homeFolder?: string): string[] {
  const folder = defaultStateFolder(workspace, homeFolder);
  const parent = path.dirname(folder);
  const name = path.basename(folder);
  try {
    return readdirSync(parent)
      .filter((one) => one === name || one.startsWith(`${name}-`))
      .map((one) => path.join(parent, one));
  } catch {
    // No agent was ever started by this user.
    return [];
  }
}

/**
 * The folder for unix sockets: the state folder itself, or, where that path is too long for a
 * socket, a folder in the temp folder that is named after it.
 */
export function socketFolder(stateFolder: string, tempFolder: string = os.tmpdir()): string {
  const longest = path.join(stateFolder, LONGEST_SOCKET_NAME);
  if (Buffer.byteLength(longest) <= MAX_SOCKET_PATH_BYTES) return stateFolder;
  const user =
    typeof process.getuid === 'function' ? String(process.getuid()) : os.userInfo().username;
  return path.join(tempFolder, `interlock-${user}-${shortHash(stateFolder)}`);
}

/** The agent's endpoint: a socket in a 0700 folder, a named pipe on Windows. */
export function agentSocketPath(
  stateFolder: string,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform === 'win32') return `\\\\.\\pipe\\interlock-${shortHash(stateFolder)}`;
  return path.join(socketFolder(stateFolder), 'agent.sock');
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
