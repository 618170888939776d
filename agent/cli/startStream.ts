import type { Clock } from '../common/clock.ts';
import type { AgentClient } from '../protocol/agentClient.ts';
import { alreadyRunningDecision, runsAlready } from '../protocol/alreadyRunning.ts';
import { requests } from '../protocol/api.ts';
import type { Decision } from '../protocol/decision.ts';

/** Looks first: a stream that runs, here or elsewhere, is not asked for again. */
export async function startStream(
  client: AgentClient,
  name: string,
  clock: Clock,
): Promise<Decision> {
  const rows = await client.request(requests.streams, {});
  const row = rows.find((stream) => stream.name === name);
  if (row === undefined || !runsAlready(row)) return client.request(requests.startStream, { name });
  return alreadyRunningDecision(row, new Date(clock.now()).toISOString());
}
