import { cp, mkdtemp, mkdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../agent/common/clock.ts';
import type { CompartmentKind } from '../../../agent/handlers/compartment.ts';
import { InlineRunner } from '../../../agent/handlers/inlineRunner.ts';
import { IsolatedRunner, type HostLimits } from '../../../agent/handlers/isolatedRunner.ts';
import type { HandlerRunner, RunnerOptions } from '../../../agent/handlers/runner.ts';
import { createLogger } from '../../../agent/logging.ts';
import { buildPrograms, type BuiltPrograms } from './buildPrograms.ts';

/** A copy of the fixtures, built programs, and every runner that a test made of them. */
export class RunnerBench {
  readonly folder: string;
  private readonly programs: BuiltPrograms;
  private readonly runners: HandlerRunner[] = [];

  private constructor(folder: string, programs: BuiltPrograms) {
    this.folder = folder;
    this.programs = programs;
  }

  static async create(): Promise<RunnerBench> {
    const programs = await buildPrograms();
    const folder = await mkdtemp(join(tmpdir(), 'interlock-handlers-'));
    await cp(join(import.meta.dirname, '../../fixtures/handlers'), folder, { recursive: true });
    const scope = join(folder, 'mono/app/node_modules/@mono');
    await mkdir(scope, { recursive: true });
    await symlink(join(folder, 'mono/packages/shared'), join(scope, 'shared'), 'junction');
    return new RunnerBench(folder, programs);
  }

  get programFolder(): string {
    return this.programs.folder;
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  process(
    file: string,
    options: Partial<RunnerOptions> = {},
    limits: Partial<HostLimits> = {},
  ): IsolatedRunner {
    return this.isolated('process', file, options, limits);
  }

  thread(
    file: string,
    options: Partial<RunnerOptions> = {},
    limits: Partial<HostLimits> = {},
  ): IsolatedRunner {
    return this.isolated('thread', file, options, limits);
  }

  inline(file: string): InlineRunner {
    const logger = createLogger('/dev/null', 'silent');
    const runner = new InlineRunner(
      this.options(file, {}),
      this.programs.folder,
      logger,
      systemClock,
    );
    this.runners.push(runner);
    return runner;
  }

  /** Ends what a test left. */
  async closeRunners(): Promise<void> {
    await Promise.all(this.runners.splice(0).map((runner) => runner.close(200)));
  }

  async remove(): Promise<void> {
    await this.closeRunners();
    await this.programs.remove();
    await rm(this.folder, { recursive: true, force: true });
  }

  private isolated(
    kind: CompartmentKind,
    file: string,
    options: Partial<RunnerOptions>,
    limits: Partial<HostLimits>,
  ): IsolatedRunner {
    const runner = new IsolatedRunner(
      kind,
      this.options(file, options),
      this.programs.folder,
      createLogger('/dev/null', 'silent'),
      systemClock,
      { loadTimeoutMs: 30_000, idleExitMs: 60_000, ...limits },
    );
    this.runners.push(runner);
    return runner;
  }

  private options(file: string, options: Partial<RunnerOptions>): RunnerOptions {
    return {
      file: this.path(file),
      jobType: 'demo',
      concurrency: 16,
      processes: 1,
      maxRunsPerProcess: 1_000,
      silenceMs: 5_000,
      ...options,
    };
  }
}
