import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import * as path from 'node:path';
import { workbenchParts } from '../../.ci/testHost.mjs';
import { endProcess, startProcess, type StartedProcess } from './childProcess.ts';
import { eventually } from './eventually.ts';
import { makeTemporaryFolder, type TemporaryFolder } from './temporaryFolder.ts';

const START_DEADLINE_MS = 60_000;

export interface CodeServerOptions {
  /** For the server and so for the extension host and what extensions start. */
  env?: NodeJS.ProcessEnv;
  settings?: Record<string, unknown>;
}

/** Keeps a first start quiet: no welcome page, chat, update or trust questions. */
const CALM_SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'chat.commandCenter.enabled': false,
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'security.workspace.trust.enabled': false,
  'window.commandCenter': false,
  'workbench.reduceMotion': 'on',
};

/** VS Code's own server with a home folder of its own, on loopback and a free port. */
export class CodeServer {
  private constructor(
    private readonly process: StartedProcess,
    private readonly temporary: TemporaryFolder,
    readonly port: number,
    readonly chromium: string,
  ) {}

  /** @throws Error with the server's output when it does not answer */
  static async start(options: CodeServerOptions = {}): Promise<CodeServer> {
    const { node, serverMain, chromium } = await workbenchParts();
    const temporary = makeTemporaryFolder();
    const home = path.join(temporary.path, 'h');
    const data = path.join(temporary.path, 'd');
    const machine = path.join(data, 'data', 'Machine');
    const extensions = path.join(temporary.path, 'e');
    for (const folder of [home, machine, extensions]) mkdirSync(folder, { recursive: true });
    writeSettings(data, options.settings);

    const port = await freePort();
    const args = [
      ...[serverMain, '--host', '127.0.0.1', '--port', String(port), '--without-connection-token'],
      // Without the driver the page ignores the paths of the extension and of the tests.
      ...[
        '--accept-server-license-terms',
        '--enable-smoke-test-driver',
        '--disable-workspace-trust',
      ],
      ...['--server-data-dir', data, '--extensions-dir', extensions, '--telemetry-level', 'off'],
    ];
    const env = { ...process.env, HOME: home, ...options.env };
    const started = await startProcess(node, args, { cwd: home, env });
    const server = new CodeServer(started, temporary, port, chromium);
    try {
      await eventually('code-server to answer', () => server.answers(), {
        deadlineMs: START_DEADLINE_MS,
        everyMs: 100,
      });
    } catch (error) {
      await server.remove();
      throw new Error(`code-server did not start:\n${started.output()}`, { cause: error });
    }
    return server;
  }

  /** HOME of everything that runs in it. */
  get home(): string {
    return path.join(this.temporary.path, 'h');
  }

  /** Where the extension host and extensions write their logs. */
  get logFolder(): string {
    return path.join(this.temporary.path, 'd', 'data', 'logs');
  }

  /** For windows that are opened from now on. */
  changeSettings(settings: Record<string, unknown>): void {
    writeSettings(path.join(this.temporary.path, 'd'), settings);
  }

  /**
   * The address of a workbench window.
   * @param paths folders and files of this machine: `tests` is a module that exports `run()`
   */
  windowUrl(paths: { workspace: string; extension: string; tests?: string }): string {
    const remote = (file: string) => `vscode-remote://127.0.0.1:${this.port}${file}`;
    const payload = [['extensionDevelopmentPath', remote(paths.extension)]];
    if (paths.tests !== undefined) payload.push(['extensionTestsPath', remote(paths.tests)]);
    const query = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
    return `http://127.0.0.1:${this.port}/?folder=${encodeURIComponent(paths.workspace)}&${query}`;
  }

  /** Ends the server with its extension hosts; what outlives them keeps its files. */
  async stop(): Promise<void> {
    await endProcess(this.process);
  }

  /** Ends the server and removes its files. */
  async remove(): Promise<void> {
    await this.stop();
    this.temporary.remove();
  }

  private async answers(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/version`);
    return answer.ok;
  }
}

function writeSettings(data: string, settings: Record<string, unknown> = {}): void {
  const file = path.join(data, 'data', 'Machine', 'settings.json');
  writeFileSync(file, JSON.stringify({ ...CALM_SETTINGS, ...settings }, null, 2));
}

/** Free a moment ago: another process may take it in between, and then the server says so. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('The system gave no port'));
      });
    });
  });
}
