import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../agent/common/errors.ts';
import { AgentClient } from '../../agent/protocol/agentClient.ts';
import { readAgentRecord, type AgentRecord } from '../../agent/protocol/agentRecord.ts';
import { requests } from '../../agent/protocol/api.ts';
import { PROTOCOL_VERSION } from '../../agent/protocol/version.ts';
import { BUILD, type Build } from './builds.ts';
import { endProcess, startProcess, type StartedProcess } from './childProcess.ts';
import { eventually } from './eventually.ts';
import type { TestWorkspace } from './workspace.ts';

/** It starts a Redis of its own first, on a machine that others load as well. */
const START_DEADLINE_MS = 20_000;

export interface AgentOptions {
  role?: string;
  /** Left out: the workspace's own. A second one makes a second host in small. */
  stateFolder?: string;
  env?: NodeJS.ProcessEnv;
  /** Left out: the one of this checkout. */
  build?: Build;
}

/** A real agent: `agent.js` of a build, in a process of its own. */
export class AgentProcess {
  private readonly clients: AgentClient[] = [];

  private constructor(
    private readonly process: StartedProcess,
    readonly stateFolder: string,
    private readonly build: Build,
  ) {}

  /**
   * Starts an agent and waits until it answers.
   * @throws Error with the agent's output when it ends before it answers
   */
  static async start(workspace: TestWorkspace, options: AgentOptions = {}): Promise<AgentProcess> {
    const agent = await AgentProcess.spawn(workspace, options);
    let ended: number | NodeJS.Signals | undefined;
    void agent.ended.then((how) => {
      ended = how;
    });
    try {
      await eventually('the agent to answer', async () => ended ?? (await agent.connect()), {
        deadlineMs: START_DEADLINE_MS,
      });
      if (ended !== undefined) throw new Error(`The agent ended with ${ended}`);
      return agent;
    } catch (error) {
      await agent.kill();
      throw new Error(`${messageOf(error)}. It wrote:\n${agent.output()}`, { cause: error });
    }
  }

  /** Starts an agent and does not wait for it: for starts that are to fail. */
  static async spawn(workspace: TestWorkspace, options: AgentOptions = {}): Promise<AgentProcess> {
    const stateFolder = options.stateFolder ?? workspace.stateFolder;
    const build = options.build ?? BUILD;
    mkdirSync(stateFolder, { recursive: true });
    const program = path.join(build.folder, 'agent.js');
    const args = [
      ...[program, '--workspace', workspace.folder, '--state-dir', stateFolder],
      ...['--role', options.role ?? 'all'],
    ];
    const started = await startProcess(process.execPath, args, {
      cwd: workspace.folder,
      env: { ...process.env, REDIS_URL: '', INTERLOCK_STATE_DIR: '', ...options.env },
    });
    return new AgentProcess(started, stateFolder, build);
  }

  get pid(): number {
    return this.process.pid;
  }

  get ended(): Promise<number | NodeJS.Signals> {
    return this.process.ended;
  }

  output(): string {
    return this.process.output();
  }

  /**
   * A connection that has said hello in the protocol of its build; it is closed with the agent.
   * @throws InterlockError `no_agent` when it does not answer
   */
  async connect(): Promise<AgentClient> {
    const record = readAgentRecord(this.stateFolder);
    if (record?.pid !== this.pid)
      throw new Error(`${this.stateFolder} has no record of this agent`);
    const client = await connectTo(record, this.build.protocol);
    this.clients.push(client);
    return client;
  }

  /** The first connection; more with `connect()`. */
  get client(): AgentClient {
    const client = this.clients[0];
    if (client === undefined) throw new Error('No connection yet: use AgentProcess.start');
    return client;
  }

  /** Asks it to stop and waits until it is gone. SIGKILL after `graceMs`, which fails the test. */
  async stop(graceMs = 20_000): Promise<void> {
    const asked = this.clients.find((client) => !client.isClosed);
    if (asked === undefined) this.process.child.kill('SIGTERM');
    else await asked.request(requests.stop, {}).catch(() => undefined);
    const timer = setTimeout(() => this.process.child.kill('SIGKILL'), graceMs);
    const how = await this.process.ended;
    clearTimeout(timer);
    this.disconnect();
    if (how === 'SIGKILL')
      throw new Error(`The agent did not stop in ${graceMs} ms:\n${this.output()}`);
  }

  /** SIGTERM, as a service manager does it. SIGKILL after `graceMs`. */
  async terminate(graceMs = 15_000): Promise<number | NodeJS.Signals> {
    const how = await endProcess(this.process, graceMs);
    this.disconnect();
    return how;
  }

  /** kill -9: it can not tidy up. What it started must end by itself, or be taken over. */
  async kill(): Promise<void> {
    this.process.child.kill('SIGKILL');
    await this.process.ended;
    this.disconnect();
  }

  private disconnect(): void {
    for (const client of this.clients.splice(0)) client.dispose();
  }
}

/** A client of this checkout speaks no other protocol: for an older agent its hello is said here. */
async function connectTo(record: AgentRecord, protocol: number): Promise<AgentClient> {
  const identity = { kind: 'test', version: '0' } as const;
  if (protocol === PROTOCOL_VERSION) return AgentClient.connect(record, identity);
  const client = await AgentClient.open(record);
  try {
    const { token } = record;
    const said = { ...identity, pid: process.pid };
    await client.request(requests.hello, { token, protocol, client: said });
    return client;
  } catch (error) {
    client.dispose();
    throw error;
  }
}
