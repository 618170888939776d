import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import { requests } from '../../protocol/api.ts';
import { jobState } from '../../protocol/model.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { jsonFlag, wholeNumber } from '../flags.ts';
import type { CliSession } from '../session.ts';
import { answerBulk } from '../text/bulkText.ts';
import { decisionText } from '../text/decisionText.ts';
import { jobsText, jobText } from '../text/jobText.ts';
import { plural } from '../text/table.ts';

const queueOption: [string, string] = ['--queue <name>', 'look in this queue only'];
const idsInput = z.object({ ids: z.array(z.string()).min(1), queue: z.string().optional() });

export function addJobCommands(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'jobs',
    summary: 'list jobs, newest first',
    options: [
      ['--type <type>', 'of this job type'],
      ['--state <state>', `in this state: ${jobState.options.join(', ')}`],
      ['--search <text>', 'with this text in id or payload'],
      queueOption,
      ['--limit <n>', 'at most that many (default 100)'],
      ['--offset <n>', 'leave out that many first'],
    ],
    input: z.object({
      type: z.string().optional(),
      state: z.enum(jobState.options, `expected one of ${jobState.options.join(', ')}`).optional(),
      search: z.string().optional(),
      queue: z.string().optional(),
      limit: wholeNumber(1, 1_000).optional(),
      offset: wholeNumber(0, 999_999_999).optional(),
    }),
    async run(session, filter) {
      const rows = await withAgent(session, (client) => client.request(requests.jobs, filter));
      session.answer(rows, () => jobsText(rows, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });

  defineCommand(program, run, {
    name: 'job',
    summary: 'show one job with payload, result, error and log',
    args: ['<id>'],
    options: [queueOption],
    input: z.object({ id: z.string().min(1), queue: z.string().optional() }),
    async run(session, { id, queue }) {
      const job = await withAgent(session, (client) =>
        client.request(requests.job, jobRef(id, queue)),
      );
      session.answer(job, () => jobText(job, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });

  defineCommand(program, run, {
    name: 'requeue',
    summary: 'put failed jobs into their queue again',
    args: ['[ids...]'],
    options: [['--all-failed', 'every failed job'], queueOption],
    input: z.object({
      ids: z.array(z.string()).default([]),
      allFailed: z.boolean().default(false),
      queue: z.string().optional(),
    }),
    async run(session, { ids, allFailed, queue }) {
      if (ids.length === 0 && !allFailed) {
        throw new InterlockError({
          code: 'bad_usage',
          message: 'No job is named.',
          remedy:
            'Name the ids of failed jobs, or use --all-failed. They are in "interlock jobs --state failed".',
        });
      }
      const result = await withAgent(session, (client) =>
        client.request(requests.requeue, {
          jobs: ids.map((id) => jobRef(id, queue)),
          allFailed,
          ...(queue === undefined ? {} : { queue }),
        }),
      );
      return answerBulk(session, 'Requeued', result);
    },
  });

  defineCommand(program, run, {
    name: 'rerun',
    summary: 'run a job again as a new one, with its payload or another',
    help: 'The old job stays as it is. The handler is told that it is a replay: `ctx.isReplay`.',
    args: ['<id>'],
    options: [['--data <json>', 'another payload'], queueOption],
    input: z.object({
      id: z.string().min(1),
      data: jsonFlag.optional(),
      queue: z.string().optional(),
    }),
    async run(session, { id, data, queue }) {
      const decision = await withAgent(session, (client) =>
        client.request(requests.rerun, {
          ...jobRef(id, queue),
          ...(data === undefined ? {} : { data }),
        }),
      );
      const nowMs = session.io.clock.now();
      session.answer(decision, () => decisionText(decision, nowMs, session.style));
      return decision.outcome === 'refused' ? EXIT.failed : EXIT.done;
    },
  });

  defineCommand(program, run, {
    name: 'promote',
    summary: 'run delayed jobs now',
    args: ['<ids...>'],
    options: [queueOption],
    input: idsInput,
    async run(session, { ids, queue }) {
      const jobs = ids.map((id) => jobRef(id, queue));
      const result = await withAgent(session, (client) =>
        client.request(requests.promote, { jobs }),
      );
      return answerBulk(session, 'Promoted', result);
    },
  });

  defineCommand(program, run, {
    name: 'remove',
    summary: 'remove jobs for good (asks first)',
    args: ['<ids...>'],
    options: [['--yes', 'do not ask'], queueOption],
    input: idsInput.extend({ yes: z.boolean().default(false) }),
    async run(session, { ids, queue, yes }) {
      if (!yes && !(await confirmRemoval(session, ids))) {
        session.answer({ done: [], refused: [] }, 'Nothing was removed.');
        return EXIT.failed;
      }
      const jobs = ids.map((id) => jobRef(id, queue));
      const result = await withAgent(session, (client) =>
        client.request(requests.remove, { jobs }),
      );
      return answerBulk(session, 'Removed', result);
    },
  });
}

/** @throws InterlockError `bad_usage` where nobody can be asked */
async function confirmRemoval(session: CliSession, ids: string[]): Promise<boolean> {
  if (session.json || !session.io.canAsk) {
    throw new InterlockError({
      code: 'bad_usage',
      message: 'Removing jobs needs a confirmation, and nobody can be asked here.',
      remedy: 'Add --yes if they are to be removed.',
    });
  }
  const answer = await session.io.ask(`Remove ${plural(ids.length, 'job')} for good? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

function jobRef(id: string, queue: string | undefined): { id: string; queue?: string } {
  return queue === undefined ? { id } : { id, queue };
}
