import type { Command } from 'commander';
import * as z from 'zod';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { explainSubject } from '../explainSubject.ts';
import { wholeNumber } from '../flags.ts';
import { whyText } from '../text/whyText.ts';

const DEFAULT_LIMIT = 20;

export function addWhyCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'why',
    summary: 'tell what was decided about a job type, stream, schedule or lock, newest first',
    args: ['<subject>', '[key]'],
    options: [['--limit <n>', `at most that many decisions (default ${DEFAULT_LIMIT})`]],
    help: 'SUBJECT is the name of a job type, a stream, a schedule or a lock. KEY is a uniqueness key, such as mainnet.',
    input: z.object({
      subject: z.string().min(1),
      key: z.string().optional(),
      limit: wholeNumber(1, 1_000).default(DEFAULT_LIMIT),
    }),
    async run(session, { subject, key, limit }) {
      const explanation = await withAgent(session, (client) =>
        explainSubject(client, subject, key, limit),
      );
      session.answer(explanation.decisions, () =>
        whyText(explanation, session.io.clock.now(), session.style),
      );
      return EXIT.done;
    },
  });
}
