import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { agentsText } from '../text/agentsText.ts';

export function addAgentsCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'agents',
    summary: 'list the agents of this Redis by role and host, and what they hold',
    input: z.object({}),
    async run(session) {
      const rows = await withAgent(session, (client) => client.request(requests.agents, {}));
      session.answer(rows, () => agentsText(rows, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });
}
