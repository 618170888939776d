// Programs that do not come from npm: found on PATH, installed where that needs no question.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { runLogged, say, SetupError } from './runLogged.mjs';

/** Exit code of `npm start`, `npm test` and the CLI for "no Redis here". */
const EXIT_REDIS_MISSING = 4;

const PROGRAMS = {
  redis: {
    title: 'a Redis server',
    names: ['redis-server', 'valkey-server'],
    apt: ['redis-server'],
    brew: ['redis'],
    elsewhere: 'install redis-server or valkey-server and put it on PATH',
    exitCode: EXIT_REDIS_MISSING,
  },
  chromium: {
    title: 'a Chromium browser',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    files: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
    apt: ['chromium', 'fonts-dejavu-core'],
    brew: ['--cask', 'google-chrome'],
    elsewhere: 'install Chromium or Google Chrome and put it on PATH',
    exitCode: 1,
  },
  openssl: {
    title: 'openssl, for certificates of the tests',
    names: ['openssl'],
    apt: ['openssl'],
    brew: ['openssl'],
    elsewhere: 'install openssl and put it on PATH',
    exitCode: 1,
  },
  compiler: {
    title: 'a C++ compiler, make and Python',
    names: ['g++', 'clang++'],
    apt: ['g++', 'make', 'python3'],
    brew: ['make', 'python3'],
    elsewhere: 'install a C++ compiler, make and Python 3',
    exitCode: 1,
  },
};

/**
 * The path of the program, installed first if need be.
 * @param {'redis' | 'chromium' | 'openssl' | 'compiler'} id
 * @returns {Promise<string>}
 * @throws {SetupError} with the one command for this platform when it would need a question
 */
export async function ensureProgram(id) {
  const program = PROGRAMS[id];
  const found = findProgram(program);
  if (found !== undefined) return found;
  await install(program);
  const installed = findProgram(program);
  if (installed !== undefined) return installed;
  throw new SetupError(
    `${program.title} was installed, but none of ${program.names.join(', ')} is on PATH.`,
  );
}

function findProgram({ names, files = [] }) {
  return [...names.flatMap(onPath), ...files.filter(isExecutable)][0];
}

/** Debian's server programs may lie in sbin folders that are not on everyone's PATH. */
function onPath(name) {
  const folders = [
    ...(process.env.PATH ?? '').split(path.delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
  ];
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  return folders
    .filter((folder) => folder !== '')
    .flatMap((folder) => endings.map((ending) => path.join(folder, name + ending)))
    .filter(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function install(program) {
  if (onPath('apt-get').length > 0) {
    const asRoot = rootPrefix();
    if (asRoot !== undefined) {
      say(`${program.title} is missing; installing it with apt-get`);
      await installWithApt(program.apt, asRoot);
      return;
    }
    throw missing(program, `sudo apt-get install -y ${program.apt.join(' ')}`);
  }
  if (process.platform === 'darwin') {
    const command = ['brew', 'install', ...program.brew];
    if (onPath('brew').length === 0)
      throw missing(program, `${command.join(' ')} (see https://brew.sh)`);
    await runLogged(command.join(' '), command, { env: { NONINTERACTIVE: '1' } });
    return;
  }
  throw missing(program, program.elsewhere);
}

/** [] as root, sudo where it asks for no password, undefined otherwise. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const asked = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  return asked.status === 0 ? ['sudo', '-n'] : undefined;
}

/** Lists older than the archive name packages that are gone, so they are fetched first. */
async function installWithApt(packages, asRoot) {
  // Run level 1: a container's init script does not start a Redis that nobody asked for.
  const apt = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-q'];
  await runLogged('apt-get update', [...apt, 'update']);
  await runLogged(`apt-get install ${packages.join(' ')}`, [
    ...[...apt, 'install', '-y', '--no-install-recommends'],
    ...packages,
  ]);
}

function missing(program, command) {
  const message = `${program.title} is missing and can not be installed without asking. Run: ${command}`;
  return new SetupError(message, program.exitCode);
}
