import type { ChildProcess } from 'node:child_process';
import { AgentClient } from '../../agent/protocol/agentClient.ts';
import { readAgentRecord } from '../../agent/protocol/agentRecord.ts';
import { requests } from '../../agent/protocol/api.ts';
import { defaultStateFolder } from '../../agent/protocol/stateFolder.ts';
import {
  AgentRedis,
  deadHolder,
  idleProcess,
  stoppedProcess,
  type ForeignRun,
} from '../harness/agentRedis.ts';

const MINUTE_MS = 60_000;

/** What a person has to look at, written as other agents would have written it. */
export class Trouble {
  private readonly processes: ChildProcess[] = [];
  private runs: ForeignRun[] = [];

  private constructor(
    private readonly client: AgentClient,
    private readonly redis: AgentRedis,
  ) {}

  /** @param home of the agent whose Redis it is written to */
  static async connect(workspace: string, home: string): Promise<Trouble> {
    const record = readAgentRecord(defaultStateFolder(workspace, home));
    if (record === undefined) throw new Error('No agent has written where it listens');
    const client = await AgentClient.connect(record, { kind: 'test', version: '0' });
    const { redis } = await client.request(requests.status, {});
    return new Trouble(client, AgentRedis.open(redis.address));
  }

  /** A stream of an agent that died: nobody wants it here, so nobody takes it over. */
  async deadHolder(): Promise<{ release(): Promise<void> }> {
    const holder = deadHolder();
    return this.redis.keep(() => this.redis.lease('stream:nse_backup', holder, 7 * MINUTE_MS));
  }

  async stoppedHolder(): Promise<void> {
    const { holder, process } = stoppedProcess('desk-3');
    this.processes.push(process);
    await this.redis.lease('stream:nse_options', holder, 12 * MINUTE_MS);
  }

  /** Runs of another agent that go on for longer than they should, each worse than the one before. */
  async agedRuns(): Promise<void> {
    const { holder, process } = idleProcess('desk-2');
    this.processes.push(process);
    const run = (id: string, type: string, key: string, minutes: number): ForeignRun => ({
      ...{ queue: 'default', id, type, key: `${type}|${key}`, holder },
      ...{ runningForMs: minutes * MINUTE_MS, fence: 1_795_330_000_000 + minutes },
    });
    this.runs = [
      run('k2-41', 'chain_state_monitor', '["testnet"]', 32),
      run('k2-42', 'chain_state_monitor', '["signet"]', 57),
      run('k2-43', 'chain_state_monitor', '["devnet"]', 3),
    ];
    await this.redis.keep(() => Promise.all(this.runs.map((one) => this.redis.run(one))));
  }

  /** The same question again and again. */
  async refusals(): Promise<void> {
    const mainnet = { type: 'chain_state_monitor', data: { network: 'mainnet' }, count: 120 };
    await this.client.request(requests.enqueue, mainnet);
  }

  async end(): Promise<void> {
    await this.redis.stopKeeping();
    for (const run of this.runs) await this.redis.endRun(run);
    for (const process of this.processes) process.kill('SIGKILL');
    await this.redis.close();
    this.client.dispose();
  }
}
