import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';

/** `agent.json` in the state folder: where the agent of this folder listens. */
export const agentRecord = z.object({
  pid: z.number().int(),
  processStart: z.string().nullable(),
  socketPath: z.string(),
  token: z.string(),
  protocol: z.number().int(),
  version: z.string(),
  agentId: z.string(),
});

export type AgentRecord = z.infer<typeof agentRecord>;

export const AGENT_RECORD_FILE = 'agent.json';

/** @returns undefined when there is none, or none that can be read: then no agent is known. */
export function readAgentRecord(stateFolder: string): AgentRecord | undefined {
  try {
    const text = readFileSync(path.join(stateFolder, AGENT_RECORD_FILE), 'utf8');
    return agentRecord.parse(JSON.parse(text));
  } catch {
    // Missing, half-written or foreign: all mean "no agent to talk to".
    return undefined;
  }
}
