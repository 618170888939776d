import type { AgentClient } from '../protocol/agentClient.ts';
import { requests } from '../protocol/api.ts';
import type { AgeAlert, AgentStatus } from '../protocol/model.ts';
import type { StatusReport } from './text/statusText.ts';

/** Something that goes on for so long that a person should know. Nothing is taken away for its age. */
export interface LongAge extends AgeAlert {
  ageMs: number;
}

/** Everything that `status` tells, read at one time. */
export async function gatherStatus(client: AgentClient): Promise<StatusReport> {
  const [agent, queues, streams, { rows: locks }, schedulerLocks, agents] = await Promise.all([
    client.request(requests.status, {}),
    client.request(requests.queues, {}),
    client.request(requests.streams, {}),
    client.request(requests.locks, { limit: 1000 }),
    // With very many locks it is not among the first ones.
    client.request(requests.locks, { kind: 'scheduler', limit: 1 }),
    client.request(requests.agents, {}),
  ]);
  return {
    ...{ agent, redis: agent.redis, role: agent.role, queues, streams },
    schedulerLock: schedulerLocks.rows[0] ?? null,
    ...{ locks, agents },
    agesOverThreshold: longAges(agent),
  };
}

/** The agent's alerts, as old as they were when it told them; the oldest first. */
export function longAges({ alerts, now }: Pick<AgentStatus, 'alerts' | 'now'>): LongAge[] {
  const nowMs = Date.parse(now);
  return alerts.map((alert) => ({
    ...alert,
    ageMs: Math.max(0, nowMs - Date.parse(alert.since)),
  }));
}
