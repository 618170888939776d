import { requests } from '../../../agent/protocol/api.ts';
import type { AgentProcess } from '../../harness/agentProcess.ts';

/** How many live shards of the first stream this agent itself has. */
export async function liveShards(agent: AgentProcess): Promise<number> {
  const [row] = await agent.client.request(requests.streams, {});
  return (row?.connections ?? []).filter(
    ({ holder, state }) => holder?.pid === agent.pid && state === 'live',
  ).length;
}
