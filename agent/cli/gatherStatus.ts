import type { AgentClient } from '../protocol/agentClient.ts';
import { requests } from '../protocol/api.ts';
import { longAges } from './longAges.ts';
import type { StatusReport } from './text/statusText.ts';

/** Everything that `status` tells, read at one time. */
export async function gatherStatus(client: AgentClient): Promise<StatusReport> {
  const [agent, queues, streams, locks, active] = await Promise.all([
    client.request(requests.status, {}),
    client.request(requests.queues, {}),
    client.request(requests.streams, {}),
    client.request(requests.locks, {}),
    client.request(requests.jobs, { state: 'active' }),
  ]);
  return {
    ...{ agent, redis: agent.redis, role: agent.role, queues, streams },
    schedulerLock: locks.find((lock) => lock.kind === 'scheduler') ?? null,
    locks,
    agesOverThreshold: longAges(active, locks, Date.parse(agent.now)),
  };
}
