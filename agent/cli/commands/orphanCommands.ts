import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import type { CliSession } from '../session.ts';
import { orphansText } from '../text/orphanText.ts';

export function addOrphanCommands(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'orphans',
    summary: 'list what belongs to nobody any more, and why; --remove removes it',
    help: 'Agents remove orphans by themselves within about ten seconds. Age makes no orphan: only the proof that a holder is dead, or that a job has ended.',
    options: [
      ['--remove', 'remove them (asks first); each proof is made once more'],
      ['--yes', 'do not ask'],
    ],
    input: z.object({ remove: z.boolean().default(false), yes: z.boolean().default(false) }),
    async run(session, { remove, yes }) {
      const answer = await withAgent(session, async (client) => {
        const found = await client.request(requests.reap, { dryRun: true });
        if (!remove || found.length === 0) return { orphans: found, dryRun: true };
        if (!yes && !(await confirmRemoval(session, orphansText(found, true, session.style)))) {
          return { orphans: found, dryRun: true };
        }
        return { orphans: await client.request(requests.reap, { dryRun: false }), dryRun: false };
      });
      session.answer(answer.orphans, () =>
        orphansText(answer.orphans, answer.dryRun, session.style),
      );
      return remove && answer.dryRun && answer.orphans.length > 0 ? EXIT.failed : EXIT.done;
    },
  });
}

/** @throws InterlockError `bad_usage` where nobody can be asked */
async function confirmRemoval(session: CliSession, found: string): Promise<boolean> {
  if (session.json || !session.io.canAsk) {
    throw new InterlockError({
      code: 'bad_usage',
      message: 'Removing orphans needs a confirmation, and nobody can be asked here.',
      remedy: 'Add --yes if they are to be removed.',
    });
  }
  session.note(found);
  const answer = await session.io.ask('Remove them? [y/N] ');
  return /^y(es)?$/i.test(answer.trim());
}
