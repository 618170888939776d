import type { Redis } from 'ioredis';
import {
  ECHO_HANDLER,
  makeWorkspace,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';

/** Everything that a role may or may not run: workers of two queues, a schedule, a stream. */
export function roleWorkspace(feedUrl: string): TestWorkspace {
  return makeWorkspace(
    {
      jobs: {
        echo: { handler: './echo.ts', queue: 'fast' },
        wait: { handler: './wait.ts', queue: 'slow' },
        custom: { handler: './custom.ts', queue: 'fast', unique: { by: 'function' } },
      },
      schedules: { each_second: { job: 'echo', every: '1s', data: { from: 'schedule' } } },
      streams: {
        ticks: {
          ...{ url: feedUrl, symbols: ['A', 'B'], job: 'echo', symbolsPerConnection: 1 },
          ...{ connectionDelay: 0, batch: { maxTicks: 50, maxWait: 50 } },
        },
      },
    },
    { 'echo.ts': ECHO_HANDLER, 'wait.ts': WAIT_HANDLER, 'custom.ts': CUSTOM_KEY_HANDLER },
  );
}

const CUSTOM_KEY_HANDLER = `export const unique = (job) => job.data.key;
export default async () => ({ ran: true });
`;

/** What the Redis connections of each agent are for: agent id to names, in order. */
export async function connectionsByAgent(redis: Redis): Promise<Map<string, string[]>> {
  const list = String(await redis.client('LIST'));
  const found = new Map<string, string[]>();
  const add = (agentId: string, what: string) =>
    found.set(agentId, [...(found.get(agentId) ?? []), what].sort());
  for (const [, name = ''] of list.matchAll(/ name=(\S+)/g)) {
    const own = /^interlock-(\w+):(\S+)$/.exec(name);
    const bullmq = /^bull:(.+):w:(\w+)$/.exec(name);
    if (own !== null) add(own[1] ?? '', own[2] ?? '');
    // BullMQ's own connection of a worker, in which it waits for jobs of a queue.
    if (bullmq !== null) {
      const queue = Buffer.from(bullmq[1] ?? '', 'base64').toString();
      add(bullmq[2] ?? '', `waits for ${queue}`);
    }
  }
  return found;
}
