import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import type { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { quantile } from '../statistics.ts';
import type { Row } from './row.ts';

/** Kills of one figure, and how many of them go on at one time: most of it is waiting. */
const PLANS = {
  sameHost: { kills: 60, lanes: 2 },
  otherHost: { kills: 60, lanes: 5 },
  leases: { kills: 20, lanes: 2 },
  bullmq: { kills: 12, lanes: 6 },
};

const SAME_HOST_BAR_MS = 1_000;
const OTHER_HOST_BAR_MS = 5_000;
/** A kill falls anywhere between two renewals. */
const SPREAD_MS = 1_700;
/** Until the others have listed a new agent, which they do each second. */
const SETTLE_MS = 1_200;
const DEADLINE_MS = 120_000;

/** How long work stands still after kill -9 of the process that does it. */
export async function measureTakeover(redis: RedisServer, scale: number): Promise<Row[]> {
  const sameHost = await inLanes('sameHost', scale, (lane, kills) =>
    killAgents(redis, `same${lane}`, kills, false),
  );
  const leases = await inLanes('leases', scale, (lane, kills) =>
    killLeaseHolders(redis, `leases${lane}`, kills),
  );
  // Both wait for locks to end, and leave the machine idle: they share it.
  const [otherHost, bullmq] = await Promise.all([
    inLanes('otherHost', scale, (lane, kills) => killAgents(redis, `other${lane}`, kills, true)),
    inLanes('bullmq', scale, (lane, kills) => killWorkers(redis, `peer${lane}`, kills)),
  ]);
  const peer = `p50 ${seconds(quantile(bullmq, 0.5))}, p99 ${seconds(quantile(bullmq, 0.99))}, max ${seconds(Math.max(...bullmq))} (${bullmq.length} kills)`;
  return [
    takeoverRow(
      'kill -9 of the agent that runs a job, until another on the same host runs it; beside BullMQ with its defaults',
      sameHost,
      SAME_HOST_BAR_MS,
      peer,
    ),
    takeoverRow('the same, another host', otherHost, OTHER_HOST_BAR_MS, peer),
    takeoverRow(
      'kill -9 of the scheduler, until another on the same host has its lock',
      leases,
      SAME_HOST_BAR_MS,
      '',
    ),
  ];
}

function takeoverRow(figure: string, times: number[], barMs: number, peer: string): Row {
  const p99 = quantile(times, 0.99);
  const measured = `p50 ${seconds(quantile(times, 0.5))}, p99 ${seconds(p99)}, max ${seconds(Math.max(...times))} (${times.length} kills)`;
  process.stderr.write(`  ${figure}: ${measured}\n`);
  return {
    ...{ figure, measured, peer, ratio: '', note: '' },
    bar: `p99 ≤ ${seconds(barMs)}`,
    verdict: p99 <= barMs ? 'met' : 'MISSED',
  };
}

const seconds = (ms: number) =>
  ms === Infinity
    ? `never in ${DEADLINE_MS / 1_000} s`
    : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;

/** Shares the kills of a plan between its lanes, which go on at the same time. */
async function inLanes(
  name: keyof typeof PLANS,
  scale: number,
  measure: (lane: number, kills: number) => Promise<number[]>,
): Promise<number[]> {
  const plan = PLANS[name];
  const lanes = Math.max(1, Math.min(plan.lanes, Math.round(plan.kills * scale)));
  const kills = Math.max(1, Math.round((plan.kills * scale) / lanes));
  const times = await Promise.all(Array.from({ length: lanes }, (_, lane) => measure(lane, kills)));
  return times.flat();
}

interface Run {
  atMs: number;
  pid: number;
  /** The agent, or the worker that runs it itself. */
  parentPid: number;
}

/** The runs that have begun, as they wrote it down themselves. */
function runsIn(trace: string): Run[] {
  if (!existsSync(trace)) return [];
  return readFileSync(trace, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [atMs = 0, pid = 0, parentPid = 0] = line.split(' ').map(Number);
      return { atMs, pid, parentPid };
    });
}

const nextRun = (trace: string, count: number) =>
  eventually('the next run', () => runsIn(trace)[count - 1], {
    ...{ deadlineMs: DEADLINE_MS, everyMs: 10 },
  });

/** A workspace with a key space of its own on the Redis that all share. */
function laneWorkspace(lane: string, config: Record<string, unknown>): TestWorkspace {
  return makeWorkspace({ redis: { prefix: lane }, ...config });
}

const HOLD = { handler: path.join(import.meta.dirname, 'handlers', 'hold.mjs') };

/** One job, and agents that wait to have it: the one that runs it is killed, again and again. */
async function killAgents(
  redis: RedisServer,
  lane: string,
  kills: number,
  onOtherHosts: boolean,
): Promise<number[]> {
  const workspace = laneWorkspace(lane, { jobs: { hold: HOLD } });
  const trace = path.join(workspace.folder, 'trace');
  const until = path.join(workspace.folder, 'until');
  const agents = new Agents(redis, workspace, lane, onOtherHosts);
  const times: number[] = [];
  try {
    const first = await agents.start();
    await first.client.request(requests.enqueue, { type: 'hold', data: { trace, until } });
    await nextRun(trace, 1);
    while (times.length < kills) {
      await agents.start();
      await delay(SETTLE_MS + Math.random() * SPREAD_MS);
      const known = runsIn(trace).length;
      const { parentPid } = await nextRun(trace, known);
      const killedAtMs = Date.now();
      await agents.kill(parentPid);
      const { atMs } = await nextRun(trace, known + 1);
      times.push(atMs - killedAtMs);
    }
    return times;
  } finally {
    writeFileSync(until, '');
    await agents.end();
    workspace.remove();
  }
}

const SCHEDULER_LOCK = 'scheduler:global_lock';

/** The lock as it stands in Redis tells when it was taken, in Redis' own time: one machine, one clock. */
async function killLeaseHolders(
  redis: RedisServer,
  lane: string,
  kills: number,
): Promise<number[]> {
  const workspace = laneWorkspace(lane, {
    jobs: { hold: HOLD },
    schedules: { daily: { job: 'hold', every: '20d' } },
  });
  const client = redis.client();
  const key = `${lane}:interlock:lease:${SCHEDULER_LOCK}`;
  const agents = new Agents(redis, workspace, lane, false);
  const times: number[] = [];
  try {
    await agents.start();
    while (times.length < kills) {
      await agents.start();
      await delay(SETTLE_MS + Math.random() * SPREAD_MS);
      const [holder, fence] = await client.hmget(key, 'holder', 'fence');
      const pid = Number(/"pid":(\d+)/.exec(holder ?? '')?.[1]);
      const killedAtMs = Date.now();
      await agents.kill(pid);
      const takenAt = await eventually('another to have it', async () => {
        const [newFence, acquiredAt] = await client.hmget(key, 'fence', 'acquiredAt');
        return newFence !== fence && newFence !== null && Number(acquiredAt);
      });
      times.push(takenAt - killedAtMs);
    }
    return times;
  } finally {
    await agents.end();
    workspace.remove();
  }
}

/** The agents of a lane, each with a state folder of its own. */
class Agents {
  private readonly running: AgentProcess[] = [];
  private started = 0;

  constructor(
    private readonly redis: RedisServer,
    private readonly workspace: TestWorkspace,
    private readonly lane: string,
    private readonly onOtherHosts: boolean,
  ) {}

  async start(): Promise<AgentProcess> {
    this.started += 1;
    const name = `${this.lane}-${this.started}`;
    const agent = await AgentProcess.start(this.workspace, {
      stateFolder: `${this.workspace.stateFolder}${this.started}`,
      env: {
        REDIS_URL: this.redis.url,
        // Another name of the host: nothing about the process can be known from there.
        ...(this.onOtherHosts ? { INTERLOCK_HOST_ID: name } : {}),
      },
    });
    this.running.push(agent);
    return agent;
  }

  async kill(pid: number): Promise<void> {
    const index = this.running.findIndex((agent) => agent.pid === pid);
    const [agent] = index === -1 ? [] : this.running.splice(index, 1);
    if (agent === undefined) throw new Error(`No agent has the process id ${pid}`);
    await agent.kill();
    rmSync(agent.stateFolder, { recursive: true, force: true });
  }

  async end(): Promise<void> {
    await Promise.all(this.running.splice(0).map((agent) => agent.kill()));
  }
}

/** The same with programs of plain BullMQ. */
async function killWorkers(redis: RedisServer, lane: string, kills: number): Promise<number[]> {
  const workspace = makeWorkspace();
  const trace = path.join(workspace.folder, 'trace');
  const until = path.join(workspace.folder, 'until');
  const program = path.join(import.meta.dirname, 'handlers', 'holdingWorker.mjs');
  const workers: ChildProcess[] = [];
  const start = async () => {
    const child = fork(program, [redis.socketPath, lane], { execArgv: ['--no-warnings'] });
    workers.push(child);
    await once(child, 'message');
  };
  const queue = new Queue(lane, { connection: redis.client() });
  const times: number[] = [];
  try {
    await start();
    // BullMQ gives a job up that has lost its worker once; each has one to lose.
    while (times.length < kills) {
      const known = runsIn(trace).length;
      await queue.add('hold', { trace, until });
      const { pid } = await nextRun(trace, known + 1);
      await start();
      await delay(Math.random() * 15_000);
      const killedAtMs = Date.now();
      workers.find((worker) => worker.pid === pid)?.kill('SIGKILL');
      const again = await nextRun(trace, known + 2).catch(() => undefined);
      times.push(again === undefined ? Infinity : again.atMs - killedAtMs);
      // Nobody ran it again. It is a figure of the peer, and no reason to measure nothing else.
      if (again === undefined) break;
      // The one that has it now ends it; then both begin anew.
      writeFileSync(until, '');
      await eventually('its end', async () => (await queue.getActiveCount()) === 0);
      rmSync(until);
    }
    return times;
  } finally {
    writeFileSync(until, '');
    for (const worker of workers) worker.kill('SIGKILL');
    await queue.close();
    workspace.remove();
  }
}
