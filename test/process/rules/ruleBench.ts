import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import { decision, type Decision } from '../../../agent/protocol/decision.ts';
import type { JobDetail } from '../../../agent/protocol/model.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { interlock, interlockJson } from '../cli/interlock.ts';

/** Runs until the file `gates/<data.gate>` exists; without `gate`, not at all. Fails where it is told to. */
export const GATED_HANDLER = `import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
const tell = (what: string, job: { id: string; type: string; data: { note?: string } }, fence: number) =>
  appendFileSync('trace', JSON.stringify({ what, id: job.id, type: job.type, fence, note: job.data.note ?? null }) + '\\n');
export default async (job, ctx) => {
  tell('start', job, ctx.fence);
  try {
    while (job.data.gate !== undefined && !existsSync('gates/' + job.data.gate)) await delay(10, undefined, { signal: ctx.signal });
    if (job.data.fail === true) throw new Error('told to fail');
    return { note: job.data.note ?? null };
  } finally {
    tell('end', job, ctx.fence);
  }
};
`;

const traceLine = z.object({
  what: z.enum(['start', 'end']),
  id: z.string(),
  type: z.string(),
  fence: z.number(),
  note: z.string().nullable(),
});

export type TraceLine = z.infer<typeof traceLine>;

/** A handler's process starts slowly on a machine that others load as well. */
export const PATIENT = { deadlineMs: 60_000 };

type Data = Record<string, unknown>;

/** An agent with rules on a Redis that other programs use too, and a person with the command. */
export class RuleBench {
  private readonly foreign = new Map<string, Queue>();

  private constructor(
    readonly redis: TestRedis,
    readonly workspace: TestWorkspace,
    public agent: AgentProcess,
  ) {}

  static async start(
    config: { jobs: object; deduplication?: object },
    files: Record<string, string> = {},
    env: NodeJS.ProcessEnv = {},
  ): Promise<RuleBench> {
    const redis = await startTestRedis();
    const workspace = makeWorkspace(
      { redis: { url: redis.url, prefix: redis.prefix }, ...config },
      { 'jobs/gated.ts': GATED_HANDLER, 'gates/open': '', ...files },
    );
    return new RuleBench(redis, workspace, await AgentProcess.start(workspace, { env }));
  }

  /** What waits for the gate `shut` may end now, so that the agent has nothing to wait for. */
  async stop(): Promise<void> {
    this.open('shut');
    await Promise.all([...this.foreign.values()].map((queue) => queue.close()));
    await this.agent.stop();
    await this.redis.stop();
    this.workspace.remove();
  }

  /** kill -9 of the agent, and another one in its place. */
  async restartKilled(): Promise<void> {
    await this.agent.kill();
    this.agent = await AgentProcess.start(this.workspace);
  }

  /** `interlock enqueue TYPE --data … FLAGS --json`: one decision. */
  async enqueue(type: string, data: Data, ...flags: string[]): Promise<Decision> {
    return (await this.ask(decision, type, data, flags)).json;
  }

  /** `interlock enqueue TYPE --count N`: all decisions. */
  async enqueueMany(type: string, count: number, data: Data, ...flags: string[]) {
    return (await this.ask(z.array(decision), type, data, [...flags, '--count', String(count)]))
      .json;
  }

  ask<S extends z.ZodType>(schema: S, type: string, data: Data, flags: string[] = []) {
    const args = ['enqueue', type, '--data', JSON.stringify(data), ...flags];
    return interlockJson(this.workspace, schema, ...args);
  }

  run(...args: string[]) {
    return interlock(this.workspace, ...args);
  }

  /** Over a socket that is open already: where a test can not wait for a process to start. */
  async enqueueNow(type: string, data: Data): Promise<Decision> {
    const payload = z.json().parse(data);
    const [answer] = await this.agent.client.request(requests.enqueue, { type, data: payload });
    if (answer === undefined) throw new Error('no decision came back');
    return answer;
  }

  job(id: string | null | undefined): Promise<JobDetail> {
    return this.agent.client.request(requests.job, { id: id ?? '' });
  }

  inState(id: string | null | undefined, state: string): Promise<JobDetail> {
    const look = async () => {
      const job = await this.job(id);
      return job.state === state && job;
    };
    return eventually(`job ${id} to be ${state}`, look, PATIENT);
  }

  async pause(queue: string): Promise<void> {
    await this.agent.client.request(requests.pauseQueue, { queue });
  }

  async resume(queue: string): Promise<void> {
    await this.agent.client.request(requests.resumeQueue, { queue });
  }

  open(gate: string): void {
    this.workspace.write(`gates/${gate}`, '');
  }

  /** What the handlers wrote down, in order. */
  trace(of: (line: TraceLine) => boolean = () => true): TraceLine[] {
    const file = path.join(this.workspace.folder, 'trace');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => traceLine.parse(JSON.parse(line))).filter(of);
  }

  /** Most runs that went on at one time. */
  mostAtOnce(of: (line: TraceLine) => boolean): number {
    let running = 0;
    let most = 0;
    for (const { what } of this.trace(of)) {
      running += what === 'start' ? 1 : -1;
      most = Math.max(most, running);
    }
    return most;
  }

  /** The queue as another program has it: plain BullMQ, without our rules. */
  plainQueue(name: string): Queue {
    const known = this.foreign.get(name);
    if (known !== undefined) return known;
    const queue = new Queue(name, {
      ...{ connection: this.redis.client(), prefix: this.redis.prefix },
    });
    this.foreign.set(name, queue);
    return queue;
  }

  async decisions(subject: string, action: Decision['action']): Promise<Decision[]> {
    const { rows } = await this.agent.client.request(requests.decisions, { subject, action });
    return rows;
  }

  /** Lines of agent.log with these fields. */
  logLines(fields: Data): Data[] {
    const text = readFileSync(path.join(this.agent.stateFolder, 'agent.log'), 'utf8');
    const lines = text.split('\n').filter((line) => line.startsWith('{'));
    return lines
      .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)))
      .filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
  }
}
