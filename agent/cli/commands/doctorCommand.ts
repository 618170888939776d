import type { Command } from 'commander';
import * as z from 'zod';
import { connectAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { checksText } from '../text/checksText.ts';

export function addDoctorCommand(program: Command, run: CliRun): void {
  defineCommand(program, run, {
    name: 'doctor',
    summary: 'check everything, and say what to do',
    help: 'Starts nothing. Exit code 1 when a check fails.',
    input: z.object({}),
    async run(session) {
      const [{ gatherFacts }, { assess }] = await Promise.all([
        import('../../doctor/gatherFacts.ts'),
        import('../../doctor/assess.ts'),
      ]);
      const { workspace, stateFolder, redisUrl, io } = session;
      const facts = await gatherFacts({
        ...{ workspace, stateFolder, redisUrl, clock: io.clock, env: io.env },
        nodeVersion: process.version,
        connectAgent: () => connectAgent(session),
      });
      const checks = assess(facts);
      session.answer(checks, () => checksText(checks, session.style));
      return checks.some((check) => check.status === 'failure') ? EXIT.failed : EXIT.done;
    },
  });
}
