import type { Command } from 'commander';
import * as z from 'zod';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { durationFlag } from '../flags.ts';
import { gatherStatistics } from '../statistics/gatherStatistics.ts';
import { statisticsText } from '../text/statisticsText.ts';

const DAY_MS = 86_400_000;

export function addStatsCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'stats',
    summary: 'job types: how often, how long, how busy, what failed and what was refused',
    help: [
      '"busy" is how many ran at one time, on average. "wait" is from when a job was due until its first start.',
      'It reads the newest 10,000 runs and decisions, and says so where they do not reach back that far.',
      'How many are kept is in "history" of interlock.config.json.',
    ].join('\n'),
    options: [
      ['--since <duration>', 'how far back, such as 1h or 7d (default 24h)'],
      ['--type <type>', 'only this job type'],
    ],
    input: z.object({
      since: durationFlag.default(DAY_MS),
      type: z.string().min(1).optional(),
    }),
    async run(session, { since, type }) {
      const statistics = await withAgent(session, (client) =>
        gatherStatistics(client, since, type),
      );
      session.answer(statistics, () => statisticsText(statistics, session.style));
      return EXIT.done;
    },
  });
}
