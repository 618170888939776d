import * as z from 'zod';
import type { OutsideRun } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import { pipelineAnswers } from '../redis/pipelineAnswers.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';
import { isOutside, outsideName } from '../state/isOutside.ts';
import type { WorkerClients } from './workerClients.ts';

export interface OutsideRunsOptions {
  redis: RedisClient;
  keys: Keys;
  clients: WorkerClients;
  agents: () => Promise<AgentEntry[]>;
}

const lockFields = z.tuple([z.string().nullable(), z.number(), z.string().nullable()]);

/** Tells which runs are those of workers that Interlock did not start. */
export class OutsideRuns {
  constructor(private readonly options: OutsideRunsOptions) {}

  /** @param active jobs that run @returns in their order; undefined for one that an agent runs */
  async of(active: readonly { queue: string; id: string }[]): Promise<(OutsideRun | undefined)[]> {
    if (active.length === 0) return [];
    const { redis, keys } = this.options;
    const pipeline = redis.pipeline();
    for (const { queue, id } of active) {
      const lock = keys.jobLock(queue, id);
      pipeline.get(lock).pttl(lock).hget(keys.job(queue, id), 'pb');
    }
    const [answers, agents, nowMs] = await Promise.all([
      pipelineAnswers(pipeline),
      this.options.agents(),
      redisNowMs(redis),
    ]);
    return Promise.all(
      active.map(async ({ queue }, index) => {
        const fields = lockFields.safeParse(answers.slice(index * 3, index * 3 + 3)).data;
        return fields === undefined ? undefined : this.outside(queue, fields, agents, nowMs);
      }),
    );
  }

  private async outside(
    queue: string,
    [token, ttlMs, worker]: z.infer<typeof lockFields>,
    agents: readonly AgentEntry[],
    nowMs: number,
  ): Promise<OutsideRun | undefined> {
    // Without a lock it ended meanwhile, or has lost its worker.
    if (token === null || !isOutside(agents, token, worker ?? '')) return undefined;
    const name = outsideName(agents, worker ?? '');
    return {
      worker: name,
      address: (await this.options.clients.find(queue, name))?.address ?? null,
      lockEndsAt: ttlMs < 0 ? null : endOf(nowMs + ttlMs),
    };
  }
}

/** To the second, so that the same end, read twice, is no change. */
function endOf(ms: number): string {
  return new Date(Math.round(ms / 1_000) * 1_000).toISOString();
}
