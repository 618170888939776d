import type { Command } from 'commander';
import * as z from 'zod';
import type { AgentClient } from '../../protocol/agentClient.ts';
import { requests } from '../../protocol/api.ts';
import { lockKind, type LockRow } from '../../protocol/model.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { durationFlag, wholeNumber } from '../flags.ts';
import type { CliSession } from '../session.ts';
import { decisionText } from '../text/decisionText.ts';
import { lockLine, locksText } from '../text/lockText.ts';

const kinds = lockKind.options.join(', ');

export function addLockCommands(program: Command, run: CliRun): void {
  const locks = defineCommand(program, run, {
    name: 'locks',
    summary: 'list locks with holder, fence and age; what needs a look comes first',
    options: [
      ['--kind <kind>', `of this kind: ${kinds}`],
      ['--search <text>', 'with this text in name, subject or holder'],
      ['--older-than <duration>', 'held for longer than that, such as 30m'],
      ['--limit <n>', 'at most that many (default 100)'],
      ['--offset <n>', 'leave out that many first'],
    ],
    input: z.object({
      kind: z.enum(lockKind.options, `expected one of ${kinds}`).optional(),
      search: z.string().optional(),
      olderThan: durationFlag.optional(),
      limit: wholeNumber(1, 1_000).optional(),
      offset: wholeNumber(0, 999_999_999).optional(),
    }),
    async run(session, { olderThan, ...filter }) {
      const [page, { thresholds }] = await withAgent(session, (client) =>
        Promise.all([
          client.request(requests.locks, { ...filter, olderThanMs: olderThan }),
          client.request(requests.status, {}),
        ]),
      );
      const filtered = [filter.kind, filter.search, olderThan].some((one) => one !== undefined);
      session.answer(page.rows, () =>
        locksText({ ...page, thresholds, filtered }, session.io.clock.now(), session.style),
      );
      return EXIT.done;
    },
  });

  defineCommand(locks, run, {
    name: 'release',
    summary: 'free a lock whose holder is dead; with --force any lock',
    args: ['<name>'],
    options: [
      ['--force', 'although its holder may be alive; asks for the name of the lock on a terminal'],
      ['--yes', 'do not ask'],
    ],
    input: z.object({
      name: z.string().min(1),
      force: z.boolean().default(false),
      yes: z.boolean().default(false),
    }),
    run: (session, input) => withAgent(session, (client) => releaseLock(session, client, input)),
  });
}

async function releaseLock(
  session: CliSession,
  client: AgentClient,
  { name, force, yes }: { name: string; force: boolean; yes: boolean },
): Promise<ExitCode> {
  const asks = force && !yes && !session.json && session.io.canAsk;
  const seen = asks ? await findLock(client, name) : undefined;
  if (seen !== undefined && !(await confirm(session, seen))) {
    session.answer(null, 'Nothing was released.');
    return EXIT.failed;
  }
  // What the person saw is what is released: whoever took it meanwhile keeps it.
  const fence = seen?.fence ?? undefined;
  const decision = await client.request(requests.releaseLock, { name, force, fence });
  session.answer(decision, () => decisionText(decision, session.io.clock.now(), session.style));
  return decision.outcome === 'accepted' ? EXIT.done : EXIT.failed;
}

/** @returns undefined for a name that no lock has: the agent says so */
async function findLock(client: AgentClient, name: string): Promise<LockRow | undefined> {
  const { rows } = await client.request(requests.locks, { search: name, limit: 1_000 });
  return rows.find((row) => row.name === name);
}

/** A dead holder needs no confirmation: it is the same as without --force. */
async function confirm(session: CliSession, row: LockRow): Promise<boolean> {
  if (row.state === 'holder_dead' || row.state === 'orphaned') return true;
  session.note(`${lockLine(row, session.io.clock.now(), session.style)}.`);
  const typed = await session.io.ask('Type the name of the lock to release it all the same: ');
  return typed.trim() === row.name;
}
