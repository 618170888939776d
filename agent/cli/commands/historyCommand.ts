import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { runRow } from '../../protocol/model.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { durationFlag, wholeNumber } from '../flags.ts';
import { historyText } from '../text/historyText.ts';

const statuses = runRow.shape.status.options;

export function addHistoryCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'history',
    summary: 'runs: those that go on first, then those that ended, newest first',
    help: [
      'Times are UTC. How many ended runs are kept is in "history" of interlock.config.json.',
      'What runs for too long: "interlock history --running-longer-than 10m".',
      'Locks that are held for too long: "interlock locks --older-than 30m".',
    ].join('\n'),
    options: [
      ['--type <type>', 'of this job type'],
      ['--key <key>', 'of this uniqueness key'],
      ['--status <status>', `with this status: ${statuses.join(', ')}`],
      ['--running-longer-than <duration>', 'only what runs now, for longer than that'],
      ['--limit <n>', 'at most that many (default 100)'],
      ['--offset <n>', 'leave out that many first'],
    ],
    input: z.object({
      type: z.string().optional(),
      key: z.string().optional(),
      status: z.enum(statuses, `expected one of ${statuses.join(', ')}`).optional(),
      runningLongerThan: durationFlag.optional(),
      limit: wholeNumber(1, 1_000).optional(),
      offset: wholeNumber(0, 999_999_999).optional(),
    }),
    async run(session, { runningLongerThan, ...filter }) {
      const longerThan =
        runningLongerThan === undefined ? {} : { runningLongerThanMs: runningLongerThan };
      const [agent, runs] = await withAgent(session, (client) =>
        Promise.all([
          client.request(requests.status, {}),
          client.request(requests.history, { ...filter, ...longerThan }),
        ]),
      );
      session.answer(runs.rows, () =>
        historyText(runs.rows, runs.total, agent.thresholds, session.style),
      );
      return EXIT.done;
    },
  });
}
