import type { Command } from 'commander';
import * as z from 'zod';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { locksText } from '../text/lockText.ts';
import { addNotYet } from './notYetCommands.ts';

export function addLockCommands(program: Command, run: CliRun): void {
  const locks = defineCommand(program, run, {
    name: 'locks',
    summary: 'list locks with holder, fence and age',
    input: z.object({}),
    async run(session) {
      const rows = await withAgent(session, (client) => client.request(requests.locks, {}));
      session.answer(rows, () => locksText(rows, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });
  addNotYet(locks, 'release', 'release a lock', 'interlock locks');
}
