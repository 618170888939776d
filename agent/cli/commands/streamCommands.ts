import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { decisionText } from '../text/decisionText.ts';
import { streamsText } from '../text/streamText.ts';

const input = z.object({ name: z.string().min(1) });

export function addStreamCommands(program: Command, run: CliRun): void {
  const streams = defineCommand(program, run, {
    name: 'streams',
    summary: 'list streams with the figures of each connection',
    input: z.object({}),
    async run(session) {
      const rows = await withAgent(session, (client) => client.request(requests.streams, {}));
      session.answer(rows, () => streamsText(rows, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });

  for (const [name, request] of [
    ['start', requests.startStream],
    ['stop', requests.stopStream],
    ['restart', requests.restartStream],
  ] as const) {
    defineCommand(streams, run, {
      name,
      summary: `${name} a stream, and print the decision`,
      args: ['<name>'],
      input,
      async run(session, params) {
        const decision = await withAgent(session, (client) => client.request(request, params));
        session.answer(decision, () =>
          decisionText(decision, session.io.clock.now(), session.style),
        );
        return EXIT.done;
      },
    });
  }
}
