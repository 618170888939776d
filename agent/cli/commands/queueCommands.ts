import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { queuesText } from '../text/queueText.ts';

const input = z.object({ queue: z.string().min(1) });

export function addQueueCommands(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'queues',
    summary: 'list queues with their counts',
    input: z.object({}),
    async run(session) {
      const rows = await withAgent(session, (client) => client.request(requests.queues, {}));
      session.answer(rows, () => queuesText(rows, session.style));
      return EXIT.done;
    },
  });

  for (const [name, request, done] of [
    ['pause', requests.pauseQueue, 'is paused: what waits stays, what runs ends'],
    ['resume', requests.resumeQueue, 'is open again'],
  ] as const) {
    defineCommand(program, run, {
      name,
      summary: `${name} a queue, on every host`,
      args: ['<queue>'],
      input,
      async run(session, { queue }) {
        const row = await withAgent(session, (client) => client.request(request, { queue }));
        session.answer(row, `Queue ${row.name} ${done}.`);
        return EXIT.done;
      },
    });
  }
}
