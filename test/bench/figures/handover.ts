import { rmSync } from 'node:fs';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import type { ConnectionRow } from '../../../agent/protocol/model.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { shardLease } from '../../../agent/streams/pool/shardLease.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import type { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { FeedProcess } from '../sides/feedProcess.ts';
import { QueuedTicks } from './queuedTicks.ts';
import { limitRow, timesRow, type Row } from './row.ts';

const LEAVES = 50;
const SHARDS = 4;
const SYMBOLS = 20;
const BAR_MS = 250;
const PREFIX = 'handover';
const QUEUE = 'handover_ticks';
const STREAM = 'feed';
const KEYS = new Keys(PREFIX);
/** Often enough to tell tens of ms, seldom enough not to be the agent's main work. */
const LOOK_EVERY_MS = 10;
const DEADLINE_MS = 60_000;
const SLOW_LEAVE_MS = 1_000;

const WHY_SHARD =
  'From the moment at which the leaving agent offers the shard to the moment at which the lease is the other one’s, both as Redis tells them. In between the other one connects and subscribes.';
const WHY_WHOLE =
  'From SIGTERM until the other agent tells that every shard is live with it. An agent that leaves ends its scheduler and its reaper first.';

/** What agents tell each other in Redis: all that is of interest here. */
const takeAsk = z.object({ ask: z.literal('take'), stream: z.literal(STREAM), shard: z.number() });
const heldLease = z.object({ pid: z.number() });

interface Lease {
  shard: number;
  pid: number;
  acquiredAtMs: number;
}

interface Leave {
  /** Of each shard that the agent had. */
  shardMs: number[];
  wholeMs: number;
  /** Shards that were not offered: they were given free, and taken by the other one then. */
  notOffered: number;
}

/** Agents that leave in order, one after the other, while their streams go on. */
export async function measureHandover(redis: RedisServer, scale: number): Promise<Row[]> {
  const client = redis.client();
  const feed = await FeedProcess.start('handoverFeed.mjs');
  const ticks = await QueuedTicks.open(client, QUEUE, { prefix: PREFIX, isPaused: true });
  const agents = new Agents(redis, feed.url());
  const leaves: Leave[] = [];
  try {
    let oldest = await agents.start();
    for (let round = 0; round < Math.round(LEAVES * scale); round += 1) {
      const newest = await agents.start();
      await shared([oldest, newest], feed);
      leaves.push(await leave(client, oldest, newest));
      await oldSocketsGone(feed);
      await agents.gone(oldest);
      await ticks.collect();
      oldest = newest;
    }
    const { longestUnheardMs } = await feed.ask({ do: 'report' });
    await agents.end();
    await ticks.collect();
    return rowsOf(leaves, longestUnheardMs, ticks.count());
  } finally {
    await agents.end();
    await ticks.close();
    await feed.end();
  }
}

function rowsOf(
  leaves: readonly Leave[],
  longestUnheardMs: number,
  { distinct, missing, doubled }: { distinct: number; missing: number; doubled: number },
): Row[] {
  const notOffered = leaves.reduce((sum, one) => sum + one.notOffered, 0);
  const kept = notOffered === 0 ? '' : ` ${notOffered} shards were not offered, but given free.`;
  return [
    timesRow(
      `an agent leaves in order: handover of one shard (${leaves.length} leaves)`,
      leaves.flatMap(({ shardMs }) => shardMs),
      BAR_MS,
      WHY_SHARD + kept,
    ),
    timesRow(
      'the same, the whole leave: from SIGTERM until all its shards are live elsewhere',
      leaves.map(({ wholeMs }) => wholeMs),
      undefined,
      WHY_WHOLE,
    ),
    limitRow(
      'longest time that the server had nobody to send a symbol to, joins included',
      longestUnheardMs,
      0,
      'ms',
    ),
    limitRow(
      'ticks lost or doubled by number in that, joins included',
      missing + doubled,
      0,
      'ticks',
      `Of ${distinct.toLocaleString('en-US')}: ${missing} lost, ${doubled} doubled.`,
    ),
  ];
}

/** Both agents have a part of the shards, and nothing is on its way. */
async function shared(agents: readonly AgentProcess[], feed: FeedProcess): Promise<void> {
  await eventually(
    'both agents to have their part',
    async () => {
      const counts = await Promise.all(agents.map(async (agent) => (await live(agent)).length));
      return counts.every((count) => count === SHARDS / agents.length);
    },
    { deadlineMs: DEADLINE_MS, everyMs: 50 },
  );
  await oldSocketsGone(feed);
}

function oldSocketsGone(feed: FeedProcess): Promise<unknown> {
  return eventually(
    'one socket for each shard',
    async () => (await feed.ask({ do: 'report' })).clients === SHARDS,
    { deadlineMs: DEADLINE_MS },
  );
}

/** The shards that are live with an agent, as it tells itself. */
async function live(agent: AgentProcess): Promise<ConnectionRow[]> {
  const [stream] = await agent.client.request(requests.streams, {});
  return (stream?.connections ?? []).filter(
    ({ state, holder }) => state === 'live' && holder?.pid === agent.pid,
  );
}

async function leave(redis: Redis, goes: AgentProcess, stays: AgentProcess): Promise<Leave> {
  const had = (await leases(redis)).filter(({ pid }) => pid === goes.pid);
  const asksBefore = (await redis.xrevrange(KEYS.streamAsks, '+', '-', 'COUNT', 1))[0]?.[0] ?? '-';
  const askedAtMs = Date.now();
  process.kill(goes.pid, 'SIGTERM');
  await eventually(
    'all shards to be live elsewhere',
    async () => {
      return (await live(stays)).length === SHARDS;
    },
    { deadlineMs: DEADLINE_MS, everyMs: LOOK_EVERY_MS },
  );
  const wholeMs = Date.now() - askedAtMs;
  const offered = await offers(redis, asksBefore);
  const now = await leases(redis);
  const shardMs = had.map(({ shard }) => {
    const takenAtMs = now.find((lease) => lease.shard === shard)?.acquiredAtMs ?? Infinity;
    return takenAtMs - (offered.get(shard) ?? askedAtMs);
  });
  if (wholeMs > SLOW_LEAVE_MS) process.stderr.write(`  a slow leave: ${wholeMs} ms\n`);
  return { shardMs, wholeMs, notOffered: had.filter(({ shard }) => !offered.has(shard)).length };
}

async function leases(redis: Redis): Promise<Lease[]> {
  return Promise.all(
    Array.from({ length: SHARDS }, async (_, shard) => {
      const key = KEYS.lease(shardLease(STREAM, shard));
      const [holder, acquiredAt] = await redis.hmget(key, 'holder', 'acquiredAt');
      const { pid } = heldLease.parse(JSON.parse(holder ?? '{"pid":0}'));
      return { shard, pid, acquiredAtMs: Number(acquiredAt) };
    }),
  );
}

/** When each shard was offered, in Redis' time: it is the first part of an entry's id. */
async function offers(redis: Redis, after: string): Promise<Map<number, number>> {
  const from = after === '-' ? '-' : `(${after}`;
  const offered = new Map<number, number>();
  for (const [id, fields] of await redis.xrange(KEYS.streamAsks, from, '+')) {
    const { success, data } = takeAsk.safeParse(JSON.parse(fields[1] ?? ''));
    if (success) offered.set(data.shard, Number(id.split('-')[0]));
  }
  return offered;
}

/** The agents of one Redis, each with a state folder of its own. */
class Agents {
  private readonly workspace: TestWorkspace;
  private readonly running = new Set<AgentProcess>();
  private started = 0;

  constructor(
    private readonly redis: RedisServer,
    url: string,
  ) {
    this.workspace = makeWorkspace(
      {
        redis: { prefix: PREFIX },
        jobs: { store: { handler: './store.mjs', queue: QUEUE } },
        streams: {
          [STREAM]: {
            ...{ url, job: 'store', connectionDelay: 0, batch: { maxTicks: 500, maxWait: 50 } },
            symbols: Array.from({ length: SYMBOLS }, (_, n) => `SYM${n}`),
            symbolsPerConnection: SYMBOLS / SHARDS,
          },
        },
      },
      { 'store.mjs': 'export default async () => ({});\n' },
    );
  }

  async start(): Promise<AgentProcess> {
    this.started += 1;
    const agent = await AgentProcess.start(this.workspace, {
      stateFolder: `${this.workspace.stateFolder}${this.started}`,
      env: { REDIS_URL: this.redis.url },
    });
    this.running.add(agent);
    return agent;
  }

  /** Waits for the end of one that was asked to leave. @throws Error when it had to be killed */
  async gone(agent: AgentProcess): Promise<void> {
    const how = await agent.terminate();
    this.running.delete(agent);
    rmSync(agent.stateFolder, { recursive: true, force: true });
    if (how === 'SIGKILL') throw new Error(`the agent did not leave:\n${agent.output()}`);
  }

  async end(): Promise<void> {
    await Promise.all([...this.running].map((agent) => agent.terminate()));
    this.running.clear();
    this.workspace.remove();
  }
}
