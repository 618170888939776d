// One process of races: `raceProcess.ts <URL of Redis> <prefix> <config as JSON>`. Ready when it says so; asks
// as it is told by a message; then tells the ids that were accepted, and how many refusals came.
import { pino } from 'pino';
import * as z from 'zod';
import { systemClock } from '../../../agent/common/clock.ts';
import { configSchema } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { Enqueuer } from '../../../agent/jobs/enqueuer.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';

const IN_FLIGHT = 32;

const plan = z.object({ type: z.string(), attempts: z.number(), keys: z.number() });

const [url = '', prefix = '', configText = '{}'] = process.argv.slice(2);
const parsed = configSchema.parse(JSON.parse(configText));
const config = { ...parsed, redis: { ...parsed.redis, prefix } };

async function open(): Promise<Enqueuer> {
  const connections = await RedisConnections.open({ kind: 'url', url, prefix }, 'racer');
  const redis = connections.commands;
  const keys = new Keys(prefix);
  const scripts = new Scripts(redis);
  return new Enqueuer({
    ...{ config, redis, scripts, keys, clock: systemClock, queues: new QueueSet(redis, config) },
    decisions: new DecisionLog(redis, keys, pino({ level: 'silent' })),
    customKey: () => Promise.resolve(null),
  });
}

async function race(
  enqueuer: Enqueuer,
  { type, attempts, keys: keyCount }: z.infer<typeof plan>,
): Promise<void> {
  const accepted: (string | null)[] = [];
  let refused = 0;
  let next = 0;
  const lane = async () => {
    while (next < attempts) {
      const { outcome, jobId, survivor } = await enqueuer.enqueue({
        ...{ type, data: { key: next++ % keyCount } },
      });
      if (outcome === 'accepted') accepted.push(jobId);
      else if (survivor !== null) refused += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  process.send?.({ accepted, refused });
}

process.on('disconnect', () => process.exit(0));
void open().then((enqueuer) => {
  process.on('message', (message) => void race(enqueuer, plan.parse(message)));
  process.send?.('ready');
});
