import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import type { AgentClient } from '../../protocol/agentClient.ts';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import type { CliSession } from '../session.ts';
import { queuesText } from '../text/queueText.ts';
import { plural } from '../text/table.ts';

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

  defineCommand(program, run, {
    name: 'drain',
    summary: 'remove what waits in a queue, for good; what runs goes on',
    help: 'Says how many jobs that are, and asks before it removes them. Pause the queue first when nothing more is to begin.',
    args: ['<queue>'],
    options: [
      ['--delayed', 'delayed jobs as well; retries of failed ones are among them'],
      ['--dry-run', 'only say how many'],
      ['--yes', 'do not ask'],
    ],
    input: z.object({
      queue: z.string().min(1),
      delayed: z.boolean().default(false),
      dryRun: z.boolean().default(false),
      yes: z.boolean().default(false),
    }),
    run: runDrain,
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

async function runDrain(
  session: CliSession,
  {
    queue,
    delayed,
    dryRun,
    yes,
  }: { queue: string; delayed: boolean; dryRun: boolean; yes: boolean },
): Promise<ExitCode> {
  const ask = (only: boolean) => (client: AgentClient) =>
    client.request(requests.drainQueue, { queue, delayed, dryRun: only });
  const found = await withAgent(session, ask(true));
  const wouldGo = `${plural(found.removed, 'job')} would be removed from queue ${queue}.`;
  const goesOn = dryRun || found.removed === 0 || yes || (await confirmed(session, wouldGo));
  if (dryRun || found.removed === 0 || !goesOn) {
    session.answer(found, wouldGo);
    return goesOn ? EXIT.done : EXIT.failed;
  }
  const drained = await withAgent(session, ask(false));
  session.answer(drained, `Queue ${queue}: ${plural(drained.removed, 'job')} removed.`);
  return EXIT.done;
}

/** @throws InterlockError `bad_usage` where nobody can be asked */
async function confirmed(session: CliSession, what: string): Promise<boolean> {
  if (session.json || !session.io.canAsk) {
    throw new InterlockError({
      code: 'bad_usage',
      message: `${what} That needs a confirmation, and nobody can be asked here.`,
      remedy: 'Add --yes if they are to go.',
    });
  }
  const answer = await session.io.ask(`${what} Remove them? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}
