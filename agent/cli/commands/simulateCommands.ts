import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import type { Config } from '../../config/schema.ts';
import { storyName, type SimulateDuplicatesResult, type StoryName } from '../../protocol/api.ts';
import type { SimulationProgress } from '../../simulate/duplicates.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { wholeNumber } from '../flags.ts';
import { Interrupts } from '../interrupts.ts';
import type { CliSession } from '../session.ts';
import { simulationText } from '../text/simulationText.ts';
import { STORY_SUMMARIES, storyEndText, storyHeading, storyLine } from '../text/storyText.ts';
import { withRedis } from '../withRedis.ts';

const MAX_PROCESSES = 64;
const MAX_ATTEMPTS = 100_000;
const DEFAULT_PROCESSES = 4;
const DEFAULT_ATTEMPTS = 400;
const EXIT_INTERRUPTED = 130;

const HELP = `Starts real processes, releases them together, and lets all of them ask for a job with one
key. It works on your Redis in a key space of its own that is removed afterwards, with the
rules of the type and real workers. Your handler is not run: a probe counts runs.`;

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
      ['--all-types', 'race every job type with a rule, one after the other'],
      ['--processes <n>', `how many processes (default ${DEFAULT_PROCESSES})`],
      ['--attempts <n>', `how many attempts in all (default ${DEFAULT_ATTEMPTS})`],
      ['--naive', 'the same race without protection'],
    ],
    input,
    async run(session, flags) {
      session.requireWorkspace();
      const { loadConfig } = await import('../../config/load.ts');
      const { config } = loadConfig(session.workspace);
      const results = await raceAll(session, config, await typesToRace(flags, config), flags);
      const [only] = results;
      const answer = flags.allTypes || only === undefined ? results : only;
      const { judgeRace } = await import('../../simulate/raceBounds.ts');
      const judged = results.map((result) => judgeRace(result, config));
      session.answer(answer, () => simulationText(judged, session.style));
      return judged.every(({ held }) => held) ? EXIT.done : EXIT.failed;
    },
  });
  for (const story of storyName.options) addStoryCommand(simulate, run, story);
}

const STORY_HELP = `Plays a story with real processes on your Redis, in a key space of its own that is removed
afterwards. Time may run faster in it; processes, signals and sockets are real. With --naive it
is played as systems do that have the bug, without it with Interlock's own services.`;

function addStoryCommand(simulate: Command, run: CliRun, story: StoryName): void {
  defineCommand(simulate, run, {
    name: story,
    summary: STORY_SUMMARIES[story],
    help: STORY_HELP,
    options: [['--naive', 'the same story without protection']],
    input: z.object({ naive: z.boolean().default(false) }),
    async run(session, { naive }) {
      session.requireWorkspace();
      const result = await playStory(session, story, naive);
      session.answer(result, () => storyEndText(result, session.style));
      // A story is no race: without protection its bug always shows, with it never.
      return result.bug === naive ? EXIT.done : EXIT.failed;
    },
  });
}

async function playStory(session: CliSession, story: StoryName, naive: boolean) {
  const { loadConfig } = await import('../../config/load.ts');
  const { simulateStory, timeScaleOf } = await import('../../simulate/stories/simulateStory.ts');
  const { io, style, json } = session;
  const { config } = loadConfig(session.workspace);
  // The one JSON document has stdout for itself.
  const sink = json ? io.stderr : io.stdout;
  const interrupts = new Interrupts(io, () => io.exitNow(EXIT_INTERRUPTED));
  try {
    return await withRedis(session, config, (target) => {
      sink.write(`${storyHeading(story, naive, style)}\n`);
      return simulateStory(
        { story, naive },
        {
          ...{ target, config, clock: io.clock, random: io.random, signal: interrupts.signal },
          onEvent: (event) => sink.write(`${storyLine(event, timeScaleOf(story), style)}\n`),
        },
      );
    });
  } finally {
    interrupts.dispose();
  }
}

async function typesToRace(flags: z.infer<typeof input>, config: Config): Promise<string[]> {
  const { typesWithRules } = await import('../../simulate/raceBounds.ts');
  const unique = typesWithRules(config);
  if (flags.allTypes && flags.jobType === undefined) {
    if (unique.length > 0) return unique;
    throw new InterlockError({
      code: 'bad_params',
      message: 'No job type has a uniqueness rule or "maxConcurrent".',
      remedy: 'Add "unique": { "by": [] } to a job type in interlock.config.json.',
    });
  }
  if (flags.jobType !== undefined && !flags.allTypes) return [flags.jobType];
  throw new InterlockError({
    code: 'bad_usage',
    message: 'Name one job type with --job-type, or race all of them with --all-types.',
    remedy:
      unique.length === 0
        ? 'No job type has a rule yet: see "unique" in interlock.config.json.'
        : `Job types with a rule: ${unique.join(', ')}.`,
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
