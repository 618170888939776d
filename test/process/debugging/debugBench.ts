import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { requests } from '../../../agent/protocol/api.ts';
import type { DebugRow, DebugState } from '../../../agent/protocol/debug.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { CdpDebugger } from '../../harness/cdpDebugger.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';

/** Notes each start; the breakpoint is in the line that names the sum. */
const ADD_HANDLER = `import { appendFileSync } from 'node:fs';
interface Job { id: string; data: { a: number; b: number } }
export default async (job: Job, ctx: { fence: number; isReplay: boolean }) => {
  appendFileSync('starts', job.id + ' ' + ctx.fence + ' ' + ctx.isReplay + '\\n');
  let sum: number = job.data.a + job.data.b;
  return { sum };
};
`;
export const BREAK_LINE = 6;

/** Agents on one Redis, with a type to debug and another one that goes on beside it. */
export class DebugBench {
  readonly agents: AgentProcess[] = [];

  private constructor(
    readonly redis: RedisServer,
    readonly workspace: TestWorkspace,
  ) {}

  static async start(): Promise<DebugBench> {
    const workspace = makeWorkspace(
      {
        jobs: {
          add: { handler: './add.ts', retry: { max: 1, intervals: [0] } },
          inline: { handler: './add.ts', isolation: 'inline' },
          threaded: {
            ...{ handler: './add.ts', isolation: 'thread', retry: { max: 1, intervals: [0] } },
            // No thread stays after a run, so that threads can be counted.
            maxRunsPerProcess: 1,
          },
          beside: { handler: './echo.ts', isolation: 'thread', concurrency: 2 },
          one: { handler: './add.ts', unique: { by: ['a'] } },
          echo: { handler: './echo.ts', concurrency: 2 },
        },
        locks: { warnAfter: '1s', emergencyAfter: '2s' },
      },
      { 'add.ts': ADD_HANDLER, 'echo.ts': ECHO_HANDLER },
    );
    return new DebugBench(await RedisServer.start(), workspace);
  }

  async agent(): Promise<AgentProcess> {
    const stateFolder = `${this.workspace.stateFolder}${this.agents.length}`;
    const env = { REDIS_URL: this.redis.url };
    const agent = await AgentProcess.start(this.workspace, { stateFolder, env });
    this.agents.push(agent);
    return agent;
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.kill()));
    await this.redis.stop();
    this.workspace.remove();
  }

  /** Job id, fence and whether it was a replay, of each start. */
  starts(): [id: string, fence: number, isReplay: boolean][] {
    const file = path.join(this.workspace.folder, 'starts');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.map((line) => {
      const [id = '', fence, isReplay] = line.split(' ');
      return [id, Number(fence), isReplay === 'true'];
    });
  }

  async enqueue(client: AgentClient, type: string, data: object, delayMs?: number) {
    const [decision] = await client.request(requests.enqueue, {
      ...{ type, data: { ...data } },
      ...(delayMs === undefined ? {} : { delayMs }),
    });
    return decision?.jobId ?? '';
  }

  async rowOf(client: AgentClient, id: string): Promise<DebugRow | undefined> {
    return (await client.request(requests.debugs, {})).find((row) => row.id === id);
  }

  inState(client: AgentClient, id: string, state: DebugState): Promise<DebugRow> {
    return eventually(`the debugging to be ${state}`, async () => {
      const row = await this.rowOf(client, id);
      return row?.state === state ? row : undefined;
    });
  }

  /** Attaches, and waits until the run stands still at the breakpoint. */
  async breakIn(client: AgentClient, { id }: DebugRow): Promise<CdpDebugger> {
    await this.inState(client, id, 'ready');
    const { url } = await client.request(requests.attachDebugger, { id });
    const cdp = await CdpDebugger.attach(url, [['add.ts', BREAK_LINE]]);
    await cdp.paused();
    return cdp;
  }

  jobEnded(client: AgentClient, id: string) {
    return eventually(`the end of job ${id}`, async () => {
      const job = await client.request(requests.job, { id });
      return job.state === 'completed' || job.state === 'failed' ? job : undefined;
    });
  }
}
