import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import type { Build } from '../../harness/builds.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';

export const EVERY_MS = 1_000;
export const STREAM = 'ticks';
export const SYMBOLS = ['A', 'B', 'C', 'D', 'E', 'F'];
const SHARDS = 3;
/** Keys are asked for one after the other in each of them: load without an end, and no flood. */
const LANES = 3;
/** A handler's process starts slowly on a machine that others load as well. */
const PATIENT = { deadlineMs: 30_000 };

/** Tells that it ran as its last act: a run that was cut off, and its job given back, tells nothing. */
const HANDLER = `import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
export default async ({ id, type, attempt, data }, ctx) => {
  if (type === 'work') await delay(20, undefined, { signal: ctx.signal });
  const agent = type === 'work' ? process.ppid : process.pid;
  appendFileSync('trace', JSON.stringify({ id, type, attempt, agent, data }) + '\\n');
};
`;

const CONFIG = {
  jobs: {
    work: {
      ...{ handler: './run.ts', queue: 'work', concurrency: 2 },
      unique: { by: ['key'], while: 'window', window: '1h' },
    },
    beat: { handler: './run.ts', queue: 'beats', isolation: 'inline' },
    store: { handler: './run.ts', queue: 'batches', isolation: 'inline' },
  },
  // A slot that is due while the leader changes is enqueued late, and not left out.
  schedules: { beat: { job: 'beat', every: EVERY_MS, missed: 'catch-up' } },
  scheduler: { lockTtl: 2_000, cycle: 200 },
  shutdown: { finishRuns: '10s' },
};

const ticks = z.array(z.object({ symbol: z.string(), seq: z.number() }));
const runLine = z.object({
  ...{ id: z.string(), type: z.enum(['work', 'beat', 'store']) },
  ...{ attempt: z.number(), agent: z.number() },
  data: z.looseObject({ key: z.string().optional(), ticks: ticks.optional() }).nullish(),
});

/** One run of a job that went to its end. */
export type RunLine = z.infer<typeof runLine>;

/** What came of one question for a job, as far as agents answered. */
export interface Asked {
  key: string;
  answers: number;
  /** Ids of the jobs that were accepted. */
  accepted: string[];
}

/** Three agents that share a Redis and a stream, and what they are asked for without an end. */
export class UpdateBench {
  readonly asked: Asked[] = [];
  private isOver = false;
  private lanes: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly redis: RedisServer,
    readonly feed: AnySymbolFeed,
    readonly workspace: TestWorkspace,
    readonly agents: AgentProcess[],
  ) {}

  static async start(build: Build): Promise<UpdateBench> {
    const redis = await RedisServer.start();
    const feed = await AnySymbolFeed.start(20);
    const stream = {
      ...{ url: feed.url, symbols: SYMBOLS, job: 'store', connectionDelay: 0 },
      ...{ symbolsPerConnection: SYMBOLS.length / SHARDS, batch: { maxTicks: 50, maxWait: 100 } },
    };
    const workspace = makeWorkspace(
      { redis: { url: redis.url }, ...CONFIG, streams: { [STREAM]: stream } },
      { 'run.ts': HANDLER, trace: '' },
    );
    const bench = new UpdateBench(redis, feed, workspace, []);
    await Promise.all(Array.from({ length: SHARDS }, (_, index) => bench.place(index, build)));
    return bench;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.agents.map((agent) => agent.kill()));
    await this.lanes.catch(() => undefined);
    await this.feed.close();
    await this.redis.stop();
    this.workspace.remove();
  }

  /** Starts an agent in this place of the fleet. */
  async place(index: number, build: Build): Promise<AgentProcess> {
    const stateFolder = `${this.workspace.stateFolder}${index}`;
    const agent = await AgentProcess.start(this.workspace, { stateFolder, build });
    this.agents[index] = agent;
    return agent;
  }

  /** Each of the agents has a part of the stream, and has run jobs since. */
  async allAtWork(): Promise<void> {
    await eventually('a shard in each agent', () => this.isSpread(), PATIENT);
    const before = this.runs().length;
    await eventually(
      'each agent to run something',
      () => {
        const since = this.runs().slice(before);
        const slots = since.filter(({ type }) => type === 'beat').length;
        return slots > 1 && this.agents.every(({ pid }) => since.some((run) => run.agent === pid));
      },
      PATIENT,
    );
  }

  /** Every run that went to its end, in order. */
  runs(): RunLine[] {
    const text = readFileSync(path.join(this.workspace.folder, 'trace'), 'utf8');
    // The last line may be half written.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line !== '').map((line) => runLine.parse(JSON.parse(line)));
  }

  startLoad(): void {
    this.lanes = Promise.all(Array.from({ length: LANES }, (_, lane) => this.load(lane)));
    // Told by endLoad.
    this.lanes.catch(() => undefined);
  }

  /** @throws Error when an accepted job did not run */
  async endLoad(): Promise<void> {
    this.isOver = true;
    await this.lanes;
  }

  private async load(lane: number): Promise<void> {
    for (let count = 0; !this.isOver; count += 1) {
      const asked = await this.ask(`${lane}-${count}`);
      this.asked.push(asked);
      await eventually(
        `key ${asked.key} to run`,
        () => asked.answers === 0 || this.isOver || this.ran(asked.key),
        PATIENT,
      );
    }
  }

  private ran(key: string): boolean {
    return this.runs().some(({ data }) => data?.key === key);
  }

  /** All agents are asked for the same key at one time. One that leaves may not answer. */
  private async ask(key: string): Promise<Asked> {
    const questions = this.agents.map(async ({ client }) =>
      client.request(requests.enqueue, { type: 'work', data: { key } }),
    );
    const answers = (await Promise.allSettled(questions)).flatMap((answer) =>
      answer.status === 'fulfilled' ? answer.value : [],
    );
    const accepted = answers.flatMap(({ outcome, jobId }) =>
      outcome === 'accepted' && jobId !== null ? [jobId] : [],
    );
    return { key, answers: answers.length, accepted };
  }

  private async isSpread(): Promise<boolean> {
    const own = this.agents.map(async ({ client, pid }) => {
      const [row] = await client.request(requests.streams, {});
      return (row?.connections ?? []).some(
        ({ holder, state }) => holder?.pid === pid && state === 'live',
      );
    });
    return (await Promise.all(own)).every(Boolean);
  }
}
