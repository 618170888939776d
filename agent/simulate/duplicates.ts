import { Queue } from 'bullmq';
import { sleep, type Clock } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import { configSchema, type Config, type JobTypeConfig } from '../config/schema.ts';
import { rulesOf } from '../jobs/typeRules.ts';
import type { SimulateDuplicatesParams, SimulateDuplicatesResult } from '../protocol/api.ts';
import { RedisConnections } from '../redis/connections.ts';
import type { RedisTarget } from '../redis/target.ts';
import { hasRule, withoutRules } from './raceBounds.ts';
import { Racer } from './racer.ts';
import { RunProbe, type ProbeCounts } from './runProbe.ts';
import { samplePayload } from './samplePayload.ts';
import { ThrowAwaySpace } from './throwAwaySpace.ts';

/** Processes start slowly on a machine that is busy. */
const READY_DEADLINE_MS = 60_000;
const RACE_DEADLINE_MS = 60_000;
/** On top of the deadline: a slow Redis over a network still answers some hundred times a second. */
const PER_ATTEMPT_MS = 5;
const FINISH_DEADLINE_MS = 10_000;
const POLL_INTERVAL_MS = 10;

export interface SimulationProgress {
  phase: 'starting' | 'racing' | 'running' | 'done';
  answered: number;
  attempts: number;
}

export interface SimulationOptions {
  target: RedisTarget;
  config: Config;
  clock: Clock;
  random: Random;
  onProgress(progress: SimulationProgress): void;
  /** Ends the race; everything is cleaned up all the same. */
  signal: AbortSignal;
}

/**
 * Races real processes that all ask for a job with the same key at one time, on the real Redis with
 * the product's own enqueuer and workers, in a key space that is removed afterwards. The
 * job's own handler is not run: a probe in its place counts runs and holds them until every attempt
 * is answered.
 * @throws InterlockError `not_found` for an unknown type, `bad_params` for one without a rule,
 *   `redis_unreachable`, `timeout`, `conflict` when `signal` aborts
 */
export async function simulateDuplicates(
  params: SimulateDuplicatesParams,
  options: SimulationOptions,
): Promise<SimulateDuplicatesResult> {
  const typeConfig = typeToRace(params, options.config);
  const connections = await RedisConnections.open(options.target, 'interlock-simulation');
  try {
    const redis = connections.commands;
    const space = await ThrowAwaySpace.open(redis, options.config.redis.prefix, options);
    try {
      return await new Race(params, typeConfig, options, connections, space.prefix).run();
    } finally {
      await space.remove();
    }
  } finally {
    connections.close();
  }
}

/** The type as it races: without its rules in naive mode. */
function typeToRace(params: SimulateDuplicatesParams, config: Config): JobTypeConfig {
  const declared = Object.hasOwn(config.jobs, params.jobType)
    ? config.jobs[params.jobType]
    : undefined;
  if (declared === undefined) {
    const known = Object.keys(config.jobs);
    throw new InterlockError({
      code: 'not_found',
      message: `There is no job type "${params.jobType}".`,
      remedy:
        known.length === 0
          ? 'Declare it under "jobs" in interlock.config.json.'
          : `Use one of ${known.join(', ')}.`,
    });
  }
  // The payload of a race is made for its rules, and no handler sees it.
  const type = { ...declared, schema: undefined };
  if (params.naive) return withoutRules(type);
  if (!hasRule(rulesOf(type, config.deduplication))) throw nothingToRace(params.jobType, type);
  return type;
}

function nothingToRace(name: string, type: JobTypeConfig): InterlockError {
  const isOff = hasRule(rulesOf(type, configSchema.parse({}).deduplication));
  return new InterlockError({
    code: 'bad_params',
    message: isOff
      ? `The rules of job type "${name}" are switched off, so every attempt would be accepted.`
      : `Job type "${name}" has no uniqueness rule and no "maxConcurrent", so every attempt would be accepted.`,
    remedy: isOff
      ? 'Switch them on: see "deduplication" in interlock.config.json, and the environment variables INTERLOCK_..._ENABLED.'
      : `Add "unique": { "by": [] } to jobs.${name} in interlock.config.json, or race it with --naive.`,
  });
}

class Race {
  private racers: Racer[] = [];
  private answered = 0;

  constructor(
    private readonly params: SimulateDuplicatesParams,
    private readonly typeConfig: JobTypeConfig,
    private readonly options: SimulationOptions,
    private readonly connections: RedisConnections,
    private readonly prefix: string,
  ) {}

  async run(): Promise<SimulateDuplicatesResult> {
    try {
      this.report('starting');
      this.racers = this.startRacers();
      const everyRacer = <T>(wait: (racer: Racer) => Promise<T>) =>
        Promise.all(this.racers.map(wait));
      await this.within(
        everyRacer((racer) => racer.whenReady()),
        READY_DEADLINE_MS,
        'get ready',
      );

      this.report('racing');
      const startMs = this.options.clock.monotonic();
      const raceDeadlineMs = RACE_DEADLINE_MS + this.params.attempts * PER_ATTEMPT_MS;
      this.tellAll('go');
      const answers = await this.within(
        everyRacer((racer) => racer.whenAnswered()),
        raceDeadlineMs,
        'ask',
      );
      this.report('running');
      this.tellAll('release');
      await this.within(this.untilQueueIsEmpty(), raceDeadlineMs, 'run what was accepted');
      const ms = this.options.clock.monotonic() - startMs;

      this.tellAll('finish');
      await this.within(
        everyRacer((racer) => racer.whenGone()),
        FINISH_DEADLINE_MS,
        'end',
      );
      const counts = await new RunProbe(this.connections.commands, this.prefix).read();
      this.report('done');
      return this.result(answers, counts, ms);
    } finally {
      await Promise.all(this.racers.map((racer) => racer.kill()));
    }
  }

  private startRacers(): Racer[] {
    const { processes, attempts, jobType } = this.params;
    const { jobs, deduplication } = this.options.config;
    // The same payload in a naive race: what differs is the protection alone.
    const by = jobs[jobType]?.unique?.by ?? [];
    const data = samplePayload(by === 'function' ? [] : by);
    const workersWait = this.typeConfig.unique?.while === 'queued';
    return Array.from({ length: processes }, (_, index) =>
      Racer.start(
        {
          kind: 'setup',
          target: this.options.target,
          prefix: this.prefix,
          ...{ jobType, typeConfig: this.typeConfig, deduplication, data, workersWait },
          attempts: Math.floor(attempts / processes) + (index < attempts % processes ? 1 : 0),
        },
        (answered) => {
          this.answered += answered;
          this.report('racing');
        },
      ),
    );
  }

  /** No attempt is under way any more, so an empty queue stays empty. */
  private async untilQueueIsEmpty(): Promise<void> {
    const queue = new Queue(this.typeConfig.queue, {
      connection: this.connections.commands,
      prefix: this.prefix,
    });
    queue.on('error', () => undefined);
    while (!this.options.signal.aborted) {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized');
      if (Object.values(counts).every((count) => count === 0)) return;
      await sleep(this.options.clock, POLL_INTERVAL_MS, this.options.signal);
    }
  }

  private tellAll(kind: 'go' | 'release' | 'finish'): void {
    for (const racer of this.racers) racer.send({ kind });
  }

  private report(phase: SimulationProgress['phase']): void {
    this.options.onProgress({ phase, answered: this.answered, attempts: this.params.attempts });
  }

  private async within<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
    const { clock, signal } = this.options;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const ended = sleep(clock, deadlineMs, either).then(() => undefined);
    // Boxed, so that a result of undefined differs from the end of the wait.
    const boxed = work.then((value) => ({ value }));
    try {
      const first = await Promise.race([boxed, ended]);
      if (first !== undefined && !signal.aborted) return first.value;
    } finally {
      over.abort();
      boxed.catch(() => undefined);
    }
    if (signal.aborted) {
      throw new InterlockError({ code: 'conflict', message: 'The simulation was cancelled.' });
    }
    throw new InterlockError({
      code: 'timeout',
      message: `The processes of the race did not ${what} within ${deadlineMs / 1_000} s.`,
      remedy: 'Use fewer processes or attempts, and check that Redis answers fast.',
    });
  }

  private result(
    answers: { accepted: number; refusedByLayer: Record<string, number> }[],
    counts: ProbeCounts,
    ms: number,
  ): SimulateDuplicatesResult {
    const byLayer: Record<string, number> = {};
    for (const { refusedByLayer } of answers) {
      for (const [layer, count] of Object.entries(refusedByLayer)) {
        byLayer[layer] = (byLayer[layer] ?? 0) + count;
      }
    }
    const { jobType, attempts, naive, processes } = this.params;
    return {
      ...{ jobType, attempts },
      accepted: answers.reduce((sum, answer) => sum + answer.accepted, 0),
      refused: { byLayer },
      ...counts,
      ...{ ms: Math.round(ms), naive, processes },
    };
  }
}
