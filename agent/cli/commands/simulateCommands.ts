import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import type { Config } from '../../config/schema.ts';
import type { SimulateDuplicatesResult } from '../../protocol/api.ts';
import type { SimulationProgress } from '../../simulate/duplicates.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { wholeNumber } from '../flags.ts';
import { Interrupts } from '../interrupts.ts';
import type { CliSession } from '../session.ts';
import { simulationText } from '../text/simulationText.ts';
import { withRedis } from '../withRedis.ts';
import { addNotYet } from './notYetCommands.ts';

const MAX_PROCESSES = 64;
const MAX_ATTEMPTS = 100_000;
const DEFAULT_PROCESSES = 4;
const DEFAULT_ATTEMPTS = 400;
const EXIT_INTERRUPTED = 130;

const LATER = [
  'page-refresh',
  'double-scheduler',
  'stacking',
  'lock-timeout',
  'worker-crash',
  'frozen-holder',
];

const HELP = `Starts real processes, releases them together, and lets all of them ask for a job with one
key. It works on your Redis in a key space of its own that is removed afterwards, with the
uniqueness rule of the type and real workers. Your handler is not run: a probe counts runs.`;

const input = z.object({
  jobType: z.string().min(1).optional(),
  allTypes: z.boolean().default(false),
  processes: wholeNumber(1, MAX_PROCESSES).optional(),
  attempts: wholeNumber(1, MAX_ATTEMPTS).optional(),
  naive: z.boolean().default(false),
});

export function addSimulateCommands(program: Command, run: CliRun): void {
  const simulate = program
    .command('simulate')
    .description('prove the protection on your own Redis');
  defineCommand(simulate, run, {
    name: 'duplicates',
    summary: 'race real processes that enqueue the same key',
    help: HELP,
    options: [
      ['--job-type <type>', 'race this job type'],
      ['--all-types', 'race every job type with a uniqueness rule, one after the other'],
      ['--processes <n>', `how many processes (default ${DEFAULT_PROCESSES})`],
      ['--attempts <n>', `how many attempts in all (default ${DEFAULT_ATTEMPTS})`],
      ['--naive', 'the same race without protection'],
    ],
    input,
    async run(session, flags) {
      session.requireWorkspace();
      const { loadConfig } = await import('../../config/load.ts');
      const { config } = loadConfig(session.workspace);
      const results = await raceAll(session, config, typesToRace(flags, config), flags);
      const [only] = results;
      const answer = flags.allTypes || only === undefined ? results : only;
      session.answer(answer, () => simulationText(results, session.style));
      return results.every(keptPromise) ? EXIT.done : EXIT.failed;
    },
  });
  for (const name of LATER) {
    addNotYet(simulate, name, 'a story of later versions', 'interlock simulate duplicates');
  }
}

function typesToRace(flags: z.infer<typeof input>, config: Config): string[] {
  const unique = Object.entries(config.jobs).flatMap(([name, type]) =>
    type.unique === undefined ? [] : [name],
  );
  if (flags.allTypes && flags.jobType === undefined) {
    if (unique.length > 0) return unique;
    throw new InterlockError({
      code: 'bad_params',
      message: 'No job type has a uniqueness rule.',
      remedy: 'Add "unique": { "by": [] } to a job type in interlock.config.json.',
    });
  }
  if (flags.jobType !== undefined && !flags.allTypes) return [flags.jobType];
  throw new InterlockError({
    code: 'bad_usage',
    message: 'Name one job type with --job-type, or race all of them with --all-types.',
    remedy:
      unique.length === 0
        ? 'No job type has a uniqueness rule yet: see "unique" in interlock.config.json.'
        : `Job types with a uniqueness rule: ${unique.join(', ')}.`,
  });
}

async function raceAll(
  session: CliSession,
  config: Config,
  types: string[],
  flags: z.infer<typeof input>,
): Promise<SimulateDuplicatesResult[]> {
  const { io } = session;
  const interrupts = new Interrupts(io, () => io.exitNow(EXIT_INTERRUPTED));
  try {
    return await withRedis(session, config, async (target) => {
      const { simulateDuplicates } = await import('../../simulate/duplicates.ts');
      const results: SimulateDuplicatesResult[] = [];
      for (const jobType of types) {
        const result = await simulateDuplicates(
          {
            jobType,
            processes: flags.processes ?? DEFAULT_PROCESSES,
            attempts: flags.attempts ?? DEFAULT_ATTEMPTS,
            naive: flags.naive,
          },
          {
            ...{ target, config, clock: io.clock, random: io.random },
            onProgress: (progress) => showProgress(session, jobType, progress),
            signal: interrupts.signal,
          },
        );
        results.push(result);
      }
      return results;
    });
  } finally {
    interrupts.dispose();
  }
}

/** One line on stderr that is written over, and is gone at the end. */
function showProgress(session: CliSession, jobType: string, progress: SimulationProgress): void {
  const { stderr } = session.io;
  if (!stderr.isTerminal) return;
  const { phase, answered, attempts } = progress;
  const text = phase === 'done' ? '' : `${jobType}: ${phase}, ${answered}/${attempts} answered`;
  stderr.write(`\r\u001b[2K${text}`);
}

/** A naive race proves nothing either way: whatever came out is its answer. */
function keptPromise(result: SimulateDuplicatesResult): boolean {
  if (result.naive) return true;
  return result.accepted === 1 && result.runs === 1 && result.maxConcurrentRuns === 1;
}
