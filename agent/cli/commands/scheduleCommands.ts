import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { decisionText } from '../text/decisionText.ts';
import { schedulesText } from '../text/scheduleText.ts';
import { addNotYet } from './notYetCommands.ts';

export function addScheduleCommands(program: Command, run: CliRun): void {
  const schedules = defineCommand(program, run, {
    name: 'schedules',
    summary: 'list schedules with next and last slot',
    input: z.object({}),
    async run(session) {
      const rows = await withAgent(session, (client) => client.request(requests.schedules, {}));
      session.answer(rows, () => schedulesText(rows, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });

  defineCommand(schedules, run, {
    name: 'run',
    summary: "enqueue a schedule's job now, and print the decision",
    args: ['<name>'],
    input: z.object({ name: z.string().min(1) }),
    async run(session, params) {
      const decision = await withAgent(session, (client) =>
        client.request(requests.runSchedule, params),
      );
      session.answer(decision, () => decisionText(decision, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });

  const instead = 'interlock pause QUEUE';
  addNotYet(schedules, 'pause', 'pause a schedule', instead);
  addNotYet(schedules, 'resume', 'resume a schedule', instead);
}
