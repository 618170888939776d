import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Database } from 'node-sqlite3-wasm';
import * as z from 'zod';
import { CONFIG_FILE } from '../../../agent/config/load.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { decision } from '../../../agent/protocol/decision.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { makeWorkspace, PROJECT_ROOT, type TestWorkspace } from '../../harness/workspace.ts';

const EXAMPLE = path.join(PROJECT_ROOT, 'examples', 'notifications');

/** What a run leaves behind is not copied. */
const RUN_RESULTS = ['.interlock', 'data', 'node_modules'];

/** Retries without the wait: what they do is the same. */
const QUICK_INTERVALS = '"intervals": ["100ms"]';

/** To start thirteen handler processes would take most of the time. */
const IN_THE_AGENT = '"isolation": "inline"';

/** Other parts run at the same time. */
const JOB_DEADLINE_MS = 20_000;

const started = z.tuple([z.object({ port: z.number() })]).rest(z.unknown());
const sentOnce = z.array(z.object({ key: z.string(), path: z.string(), times: z.number() }));
const posted = z.object({ decisions: z.array(decision).default([]), error: z.string().optional() });

/** A copy of the notifications example. */
export function makeNotificationsWorkspace(): TestWorkspace {
  const workspace = makeWorkspace();
  cpSync(EXAMPLE, workspace.folder, {
    recursive: true,
    filter: (from) => !RUN_RESULTS.includes(path.basename(from)),
  });
  return workspace;
}

/**
 * Lets handlers run in the agent, and retries come at once.
 * @param inProcesses names of handler files that stay in processes of their own
 */
export function makeQuick(workspace: TestWorkspace, inProcesses: string[] = []): void {
  const text = readFileSync(path.join(workspace.folder, CONFIG_FILE), 'utf8');
  const quick = text
    .replaceAll(/"intervals": \[.+\]/g, QUICK_INTERVALS)
    .replaceAll(/"handler": "\.\/jobs\/(\w+)\.ts"/g, (handler, name: string) =>
      inProcesses.includes(name) ? handler : `${IN_THE_AGENT}, ${handler}`,
    );
  workspace.write(CONFIG_FILE, quick);
}

/**
 * The example with its two servers and an agent on a private Redis: all of it real, and its own. Its
 * handlers run in the agent, and retries come at once.
 */
export class NotificationsBench {
  private constructor(
    readonly workspace: TestWorkspace,
    private agentProcess: AgentProcess,
    private readonly servers: ChildProcess[],
    private readonly env: NodeJS.ProcessEnv,
    private readonly servicesUrl: string,
    private readonly apiUrl: string,
  ) {}

  static async start(): Promise<NotificationsBench> {
    const workspace = makeNotificationsWorkspace();
    makeQuick(workspace);
    const servers: ChildProcess[] = [];
    const serve = async (file: string, ...args: string[]) => {
      const program = path.join(workspace.folder, 'server', file);
      const server = fork(program, ['--port', '0', ...args], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      servers.push(server);
      const [{ port }] = started.parse(await once(server, 'message'));
      return `http://127.0.0.1:${port}`;
    };
    const services = await serve('services.mjs', '--calm');
    const api = await serve('api.mjs', '--state-dir', workspace.stateFolder);
    const env = { NOTIFICATIONS_SERVICES_URL: services };
    const agent = await AgentProcess.start(workspace, { env });
    return new NotificationsBench(workspace, agent, servers, env, services, api);
  }

  get agent(): AgentProcess {
    return this.agentProcess;
  }

  async restartAgent(between: () => Promise<void>): Promise<void> {
    await this.agentProcess.stop();
    await between();
    this.agentProcess = await AgentProcess.start(this.workspace, { env: this.env });
  }

  async stop(): Promise<void> {
    await this.agentProcess.stop();
    for (const server of this.servers) {
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
    }
    this.workspace.remove();
  }

  /** POST to the endpoint of the application. `body` may be text that is no JSON. */
  async post(where: string, body: unknown, contentType = 'application/json') {
    const response = await fetch(new URL(where, this.apiUrl), {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, ...posted.parse(await response.json()) };
  }

  /** GET from the endpoint of the application. */
  async get(where: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(new URL(where, this.apiUrl));
    return { status: response.status, body: await response.json() };
  }

  /** The next answers of the outside world below this path are 500. */
  async breakNext(where: string, times: number): Promise<void> {
    await fetch(new URL('/faults', this.servicesUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path: where, times }),
    });
  }

  /** How often the outside world was asked for something with this key: more than once is harmless. */
  async sent(prefix: string): Promise<Record<string, number>> {
    const response = await fetch(new URL('/sent', this.servicesUrl));
    const all = sentOnce.parse(await response.json());
    return Object.fromEntries(
      all.filter(({ key }) => key.startsWith(prefix)).map(({ key, times }) => [key, times]),
    );
  }

  /** Enqueues a job and waits for its end. @returns the job, with its result */
  async run(type: string, data: object = {}) {
    const [made] = await this.agent.client.request(requests.enqueue, {
      ...{ type, data: z.json().parse(data) },
    });
    return this.ended(made?.jobId ?? null);
  }

  async ended(id: string | null) {
    if (id === null) throw new Error('No job was made');
    return eventually(
      `job ${id} to end`,
      async () => {
        const job = await this.agent.client.request(requests.job, { id });
        return (job.state === 'completed' || job.state === 'failed') && job;
      },
      { deadlineMs: JOB_DEADLINE_MS },
    );
  }

  /** Reads from the database of the example, between two transactions of its handlers. */
  rows(sql: string): Promise<unknown[]> {
    return this.withDatabase((database) => database.all(sql));
  }

  async change(sql: string): Promise<void> {
    await this.withDatabase((database) => database.run(sql));
  }

  private withDatabase<T>(
    work: (database: Database) => T,
  ): Promise<NonNullable<Exclude<T, false>>> {
    const file = path.join(this.workspace.folder, 'data', 'notifications.db');
    return eventually('the database to be free', () => {
      const database = new Database(file, { fileMustExist: true });
      try {
        return work(database);
      } finally {
        database.close();
      }
    });
  }
}
