import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { decisionText } from '../text/decisionText.ts';
import { leadersText, schedulesText } from '../text/scheduleText.ts';

/** What is asked of one schedule; each prints the decision. */
const ASKED = [
  ['run', "enqueue a schedule's job now, outside its slots", requests.runSchedule],
  ['pause', 'enqueue no slot of a schedule until it is resumed', requests.pauseSchedule],
  ['resume', 'go on with the next slot; what passed is not caught up', requests.resumeSchedule],
  ['skip', 'do not enqueue the next slot of a schedule', requests.skipSlot],
] as const;

export function addScheduleCommands(program: Command, run: CliRun): void {
  const schedules = defineCommand(program, run, {
    name: 'schedules',
    summary: 'list schedules with next and last slot, and who is the scheduler',
    input: z.object({}),
    async run(session) {
      const [rows, leaders] = await withAgent(session, (client) =>
        Promise.all([client.request(requests.schedules, {}), client.request(requests.leaders, {})]),
      );
      const nowMs = session.io.clock.now();
      session.answer(rows, () => schedulesText(rows, leaders, nowMs, session.style));
      return EXIT.done;
    },
  });

  for (const [name, summary, request] of ASKED) {
    defineCommand(schedules, run, {
      name,
      summary,
      args: ['<name>'],
      input: z.object({ name: z.string().min(1) }),
      async run(session, params) {
        const decision = await withAgent(session, (client) => client.request(request, params));
        const nowMs = session.io.clock.now();
        session.answer(decision, () => decisionText(decision, nowMs, session.style));
        return EXIT.done;
      },
    });
  }

  defineCommand(schedules, run, {
    name: 'leaders',
    summary: 'who held the lock of the scheduler, from when to when',
    input: z.object({}),
    async run(session) {
      const leaders = await withAgent(session, (client) => client.request(requests.leaders, {}));
      session.answer(leaders, () => leadersText(leaders, session.io.clock.now()));
      return EXIT.done;
    },
  });
}
