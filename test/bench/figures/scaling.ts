import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { messageOf } from '../../../agent/common/errors.ts';
import { requests } from '../../../agent/protocol/api.ts';
import type { StreamRow } from '../../../agent/protocol/model.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import type { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { FeedProcess } from '../sides/feedProcess.ts';
import { readHandledTicks } from './handledTicks.ts';
import { childrenRssBytes, cpuMsOf, rssBytesOf } from './processUsage.ts';
import type { Table } from './table.ts';

const SIZES = [
  { symbols: 250, connections: 5 },
  { symbols: 1_000, connections: 20 },
  { symbols: 5_000, connections: 100 },
  { symbols: 20_000, connections: 400 },
];
/** Of each symbol. */
const TICKS_PER_SECOND = 2;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 15_000;
const LATE_MS = 1_000;
const LOOK_EVERY_MS = 250;
const DEADLINE_MS = 120_000;
/** What no handler has when nothing more was handled for that long is lost. */
const SILENT_FOR_MS = 10_000;
const STREAM = 'feed';
const QUEUE = 'scaling_ticks';
/** Of a batch: with 100 ticks a second in each connection, the default of 200 ms makes small ones. */
const MAX_WAIT = '1s';
const SLOTS = 4;
/** Of a handler process, as the system shows it. */
const HANDLER_TITLE = 'interlock-handler';

const COLUMNS = [
  ...['symbols', 'connections', 'offered ticks/s', 'arrived ticks/s', 'workers busy', 'agent CPU'],
  ...['agent memory', 'handler memory', 'lag p50', 'lag p99', 'ticks lost'],
];

const NOTE = `Offered: ${TICKS_PER_SECOND} ticks of each symbol in each second, one in each frame, for ${MEASURED_MS / 1_000} s; batches of up to 500 ticks or ${MAX_WAIT}. Workers busy: places for runs that are taken on average, of ${SLOTS} (one handler process, the default). CPU of the agent in per cent of one core. Memory: the most that was seen, resident. Lag: from the time in a tick to its arrival in the agent, of the connection with the highest. Lost: ticks that were sent and that no handler touched, and those it had twice. The feed, Redis and the handlers are on the same machine.`;

interface Size {
  symbols: number;
  connections: number;
}

interface Usage {
  busy: number;
  agentBytes: number;
  handlerBytes: number;
}

/** What an agent needs for streams of several sizes, at the same load of each symbol. */
export async function measureScaling(redis: RedisServer, scale: number): Promise<Table> {
  const rows: string[][] = [];
  for (const size of SIZES) {
    process.stderr.write(`  ${size.symbols} symbols …\n`);
    rows.push(await measureSize(redis, size, MEASURED_MS * scale).catch(unmeasured(size)));
  }
  return { title: 'Streams of several sizes', columns: COLUMNS, rows, note: NOTE };
}

/** A size that an agent can not do is a finding; the other parts are measured all the same. */
function unmeasured({ symbols, connections }: Size): (error: unknown) => string[] {
  return (error) => {
    process.stderr.write(`  not measured: ${messageOf(error)}\n`);
    const known = [whole(symbols), whole(connections), 'not measured'];
    return [...known, ...COLUMNS.slice(known.length).map(() => '')];
  };
}

async function measureSize(redis: RedisServer, size: Size, measuredMs: number): Promise<string[]> {
  const prefix = `scaling${size.symbols}`;
  const feed = await FeedProcess.start('poolFeed.mjs');
  const workspace = workspaceOf(prefix, feed.url(), size);
  const trace = path.join(workspace.folder, 'ticks');
  mkdirSync(trace);
  let agent: AgentProcess | undefined;
  try {
    agent = await AgentProcess.start(workspace, {
      env: { REDIS_URL: redis.url, BENCH_TICKS_FOLDER: trace },
    });
    await allLive(agent, size.connections);
    // An agent that can not keep up would never answer again if it went on for ever.
    const forMs = WARM_UP_MS + measuredMs + LATE_MS;
    await feed.ask({ do: 'pace', perSecond: TICKS_PER_SECOND, forMs });
    await delay(WARM_UP_MS);
    const active = new Keys(prefix).queue(QUEUE, 'active');
    const figures = await watch(agent, redis.client(), active, measuredMs);
    const { sent } = await feed.ask({ do: 'rest' });
    const lost = await lostOf(trace, sent);
    return [...[size.symbols, size.connections].map(whole), ...figures, whole(lost)];
  } finally {
    await agent?.terminate();
    await feed.end();
    workspace.remove();
  }
}

function workspaceOf(prefix: string, url: string, size: Size): TestWorkspace {
  const handler = path.join(import.meta.dirname, 'handlers', 'countTicks.mjs');
  const { symbols, connections } = size;
  return makeWorkspace({
    redis: { prefix },
    jobs: { count: { handler, queue: QUEUE, concurrency: SLOTS } },
    streams: {
      [STREAM]: {
        ...{ url, job: 'count', connectionDelay: 0, maxSymbols: symbols },
        ...{ symbols: Array.from({ length: symbols }, (_, n) => `SYM${n}`) },
        symbolsPerConnection: symbols / connections,
        batch: { maxTicks: 500, maxWait: MAX_WAIT },
      },
    },
  });
}

function allLive(agent: AgentProcess, connections: number): Promise<unknown> {
  return eventually(
    `${connections} live connections`,
    async () => (await rowOf(agent)).connected === connections,
    { deadlineMs: DEADLINE_MS, everyMs: 500 },
  );
}

/** The figures of a stretch of time, in the order of the columns. */
async function watch(
  agent: AgentProcess,
  redis: Redis,
  active: string,
  measuredMs: number,
): Promise<string[]> {
  const before = await rowOf(agent);
  const cpuBefore = cpuMsOf(agent.pid);
  const startedAt = performance.now();
  const usage = await sample(agent, redis, active, measuredMs);
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuMs = cpuMsOf(agent.pid) - cpuBefore;
  const after = await rowOf(agent);
  const rowSeconds = (performance.now() - startedAt) / 1_000;
  const lags = after.connections.flatMap(({ lag }) => (lag === null ? [] : [lag]));
  const highest = (which: 'p50' | 'p99') => Math.max(0, ...lags.map((lag) => lag[which]));
  return [
    whole(after.symbolCount * TICKS_PER_SECOND),
    whole((after.totalTicks - before.totalTicks) / rowSeconds),
    usage.busy.toFixed(1),
    `${whole(cpuMs / 10 / seconds)} %`,
    ...[usage.agentBytes, usage.handlerBytes].map((bytes) => `${whole(bytes / 1_000_000)} MB`),
    ...[highest('p50'), highest('p99')].map((ms) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`),
  ];
}

async function sample(
  agent: AgentProcess,
  redis: Redis,
  active: string,
  measuredMs: number,
): Promise<Usage> {
  const usage: Usage = { busy: 0, agentBytes: 0, handlerBytes: 0 };
  const startedAt = performance.now();
  let samples = 0;
  while (performance.now() - startedAt < measuredMs) {
    usage.busy += Math.min(SLOTS, await redis.llen(active));
    usage.agentBytes = Math.max(usage.agentBytes, rssBytesOf(agent.pid));
    const handlers = childrenRssBytes(agent.pid, HANDLER_TITLE);
    usage.handlerBytes = Math.max(usage.handlerBytes, handlers);
    samples += 1;
    await delay(LOOK_EVERY_MS);
  }
  return { ...usage, busy: usage.busy / Math.max(1, samples) };
}

async function rowOf(agent: AgentProcess): Promise<StreamRow> {
  const [row] = await agent.client.request(requests.streams, {});
  if (row === undefined) throw new Error('the agent has no stream');
  return row;
}

/** Waits while the handlers get on; what they do not have then is lost. */
async function lostOf(trace: string, sent: number): Promise<number> {
  let handled = { distinct: -1, doubled: 0 };
  let changedAt = performance.now();
  while (handled.distinct < sent && performance.now() - changedAt < SILENT_FOR_MS) {
    const now = readHandledTicks(trace, STREAM);
    if (now.distinct !== handled.distinct) changedAt = performance.now();
    handled = now;
    await delay(LOOK_EVERY_MS);
  }
  return sent - handled.distinct + handled.doubled;
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US');
