import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentClient } from '../../agent/protocol/agentClient.ts';
import { readAgentRecord } from '../../agent/protocol/agentRecord.ts';
import { requests } from '../../agent/protocol/api.ts';
import { startProcess, type StartedProcess } from '../harness/childProcess.ts';
import { childrenOf } from '../harness/childrenOf.ts';

const CONNECT_EVERY_MS = 50;
/** One that could not start, as Redis was away, tries again. */
const START_AGAIN_MS = 300;
const STOP_GRACE_MS = 10_000;

export interface FaultAgentOptions {
  name: string;
  /** `agent.js` of the build under test. */
  program: string;
  workspace: string;
  stateFolder: string;
  env: NodeJS.ProcessEnv;
  /** It ended, and nobody of ours ended it. Not called when it could not start because Redis was away. */
  onUnexpectedEnd: (how: string) => void;
}

/** One agent that may be killed, frozen and replaced, and that is replaced when it can not start. */
export class FaultAgent {
  private process: StartedProcess | undefined;
  private connection: AgentClient | undefined;
  private isWanted = false;
  private endIsOurs = false;
  starts = 0;

  constructor(private readonly options: FaultAgentOptions) {
    mkdirSync(options.stateFolder, { recursive: true });
  }

  get name(): string {
    return this.options.name;
  }

  /** Undefined while there is none to ask. It may be frozen. */
  get client(): AgentClient | undefined {
    return this.connection?.isClosed === false ? this.connection : undefined;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Its handler processes. */
  childPids(): number[] {
    return this.pid === undefined ? [] : childrenOf(this.pid);
  }

  /** Starts it, and again until it runs. Idempotent. */
  async start(): Promise<void> {
    this.isWanted = true;
    if (this.process !== undefined) return;
    const { program, workspace, stateFolder, env } = this.options;
    const args = [program, '--workspace', workspace, '--state-dir', stateFolder, '--role', 'all'];
    const started = await startProcess(process.execPath, args, { cwd: workspace, env });
    this.starts += 1;
    this.process = started;
    this.endIsOurs = false;
    void started.ended.then((how) => this.ended(started, how));
    void this.connect(started);
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.process?.child.kill(name);
  }

  /** kill -9, until `start()`. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM, until `start()`. SIGKILL for one that does not leave. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.process?.child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.end('SIGTERM');
    clearTimeout(timer);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    this.isWanted = false;
    this.endIsOurs = true;
    const running = this.process;
    running?.child.kill(signal);
    await running?.ended;
  }

  private ended(started: StartedProcess, how: number | NodeJS.Signals): void {
    if (this.process !== started) return;
    const wasReady = this.connection !== undefined;
    this.process = undefined;
    this.connection?.dispose();
    this.connection = undefined;
    const couldNotStart = !wasReady && started.output().includes('redis_unreachable');
    if (!this.endIsOurs && !couldNotStart) {
      this.options.onUnexpectedEnd(`ended with ${how} and wrote: ${started.output()}`);
    }
    if (this.isWanted) void this.startAgain();
  }

  private async startAgain(): Promise<void> {
    await delay(START_AGAIN_MS);
    if (this.isWanted) await this.start();
  }

  private async connect(started: StartedProcess): Promise<void> {
    while (this.process === started && this.connection === undefined) {
      const record = readAgentRecord(this.options.stateFolder);
      if (record?.pid === started.pid) {
        const client = await this.tryConnect(record);
        if (client !== undefined && this.process === started) this.connection = client;
        else client?.dispose();
      }
      await delay(CONNECT_EVERY_MS);
    }
  }

  private tryConnect(record: Parameters<typeof AgentClient.connect>[0]) {
    return AgentClient.connect(record, { kind: 'test', version: '0' }).catch(() => undefined);
  }
}

/** Asks an agent for its status, to see that it answers. */
export async function answers(agent: FaultAgent): Promise<boolean> {
  const status = await agent.client?.request(requests.status, {});
  return status?.redis.state === 'connected';
}
