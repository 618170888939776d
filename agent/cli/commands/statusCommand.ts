import type { Command } from 'commander';
import * as z from 'zod';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { gatherStatus } from '../gatherStatus.ts';
import { statusText } from '../text/statusText.ts';

export function addStatusCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'status',
    summary: 'agent, Redis, queues, streams, scheduler lock, ages over threshold',
    input: z.object({}),
    async run(session) {
      const report = await withAgent(session, gatherStatus);
      session.answer(report, () => statusText(report, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });
}
