import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { durationFlag, jsonFlag, wholeNumber } from '../flags.ts';
import { decisionsText, decisionText } from '../text/decisionText.ts';

const MAX_COUNT = 100_000;
const LOWEST_PRIORITY = 2_097_152;

export function addEnqueueCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'enqueue',
    summary: 'ask for a job, and print the decision',
    help: [
      'A refusal is an answer too: exit code 0; 1 where the rule of the type says "onConflict": "fail".',
      '--json prints one decision, with --count an array.',
    ].join('\n'),
    args: ['<type>'],
    options: [
      ['--data <json>', "the job's payload (default {})"],
      ['--count <n>', 'ask that many times'],
      ['--priority <n>', '1 is the highest number; without one it comes before all of them'],
      ['--delay <duration>', 'when it is due, such as 5s; default at once'],
    ],
    input: z.object({
      type: z.string().min(1),
      data: jsonFlag.optional(),
      count: wholeNumber(1, MAX_COUNT).optional(),
      priority: wholeNumber(1, LOWEST_PRIORITY).optional(),
      delay: durationFlag.optional(),
    }),
    async run(session, { type, data, count, priority, delay }) {
      const decisions = await withAgent(session, (client) =>
        client.request(requests.enqueue, {
          ...{ type, data: data ?? {}, count: count ?? 1 },
          ...(priority === undefined ? {} : { priority }),
          ...(delay === undefined ? {} : { delayMs: delay }),
        }),
      );
      const nowMs = session.io.clock.now();
      const [only] = decisions;
      if (count === undefined && only !== undefined) {
        session.answer(only, () => decisionText(only, nowMs, session.style));
      } else {
        session.answer(decisions, () => decisionsText(decisions, nowMs, session.style));
      }
      return decisions.some(({ outcome }) => outcome === 'refused') ? EXIT.failed : EXIT.done;
    },
  });
}
