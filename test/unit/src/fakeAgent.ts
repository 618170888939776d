import type { AgentClient } from '../../../agent/protocol/agentClient.ts';

/** Answers page by page from whole lists, as the agent does. */
export function pagingClient(rowsFor: (params: Record<string, unknown>) => readonly unknown[]): {
  client: AgentClient;
  asked: Record<string, unknown>[];
} {
  const asked: Record<string, unknown>[] = [];
  const client = {
    request: (_definition: unknown, params: { offset: number; limit: number }) => {
      asked.push(params);
      const all = rowsFor(params);
      const rows = all.slice(params.offset, params.offset + params.limit);
      return Promise.resolve({ rows, total: all.length });
    },
  };
  return { client: client as unknown as AgentClient, asked };
}
