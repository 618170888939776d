import { requests } from '../../agent/protocol/api.ts';
import type { AgentService } from '../connection/agentService.ts';
import type { DebugSessions } from './debugSessions.ts';
import type { EditedPayload, OnSave } from './payloadDocuments.ts';

/** Runs a job again with another payload, under the debugger or not. @throws when it is refused */
export async function rerunWithPayload(
  agent: AgentService,
  sessions: DebugSessions,
  { job, data }: EditedPayload,
  how: OnSave,
): Promise<void> {
  const asked = { ...job, data };
  if (how === 'debug') {
    sessions.expect(await agent.client.request(requests.debugJob, asked));
    return;
  }
  const decision = await agent.client.request(requests.rerun, asked);
  if (decision.outcome === 'accepted') return;
  throw new Error(`${decision.outcome}: ${decision.reason}. ${decision.remedy ?? ''}`);
}
