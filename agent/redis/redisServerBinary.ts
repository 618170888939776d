import { accessSync, constants } from 'node:fs';
import * as path from 'node:path';

const PROGRAMS = ['redis-server', 'valkey-server'];

/** Where package managers put programs, for an editor that was started without the user's PATH. */
const USUAL_FOLDERS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/snap/bin'];

/** @returns the path of a Redis or Valkey server on this machine, if there is one */
export function findRedisServer(
  env: NodeJS.ProcessEnv,
  usualFolders: string[] = USUAL_FOLDERS,
): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(path.delimiter), ...usualFolders];
  for (const program of PROGRAMS) {
    for (const folder of folders) {
      if (folder === '') continue;
      const candidate = path.join(folder, program);
      try {
        accessSync(candidate, constants.X_OK);
        return candidate;
      } catch {
        // Not here: look on.
      }
    }
  }
  return undefined;
}

/** The one command that installs a server on a platform. */
export function installCommand(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'brew install redis';
  if (platform === 'win32') return 'wsl sudo apt-get install -y redis-server';
  return 'sudo apt-get install -y redis-server';
}
