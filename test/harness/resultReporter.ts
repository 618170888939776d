import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** Where the counts go: `test/run.mjs` adds them up. */
export const RESULTS_VARIABLE = 'INTERLOCK_TEST_RESULTS';

/** Set in an extension host: it goes on after the last test, so nothing is to be closed there. */
export const HOST_VARIABLE = 'INTERLOCK_TEST_IN_HOST';

/**
 * After the last test everything must be closed: what still keeps the process alive is a leak. A
 * command that got no answer before its connection was cut keeps its timer, which takes up to 10 s.
 */
const LEAK_GRACE_MS = 15_000;

interface TestResult {
  title: string;
  state: 'passed' | 'failed' | 'pending';
  ms: number;
  error?: string;
}

/** Mocha's own spec output, and a file of results for the sum over all parts. */
export default class ResultReporter extends Mocha.reporters.Spec {
  private readonly results: TestResult[] = [];

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const host = process.env[HOST_VARIABLE];
    runner.on('pass', (test) =>
      this.add({ title: test.fullTitle(), state: 'passed', ms: test.duration ?? 0 }),
    );
    runner.on('pending', (test) => this.add({ title: test.fullTitle(), state: 'pending', ms: 0 }));
    runner.on('fail', (test, error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.add({ title: test.fullTitle(), state: 'failed', ms: test.duration ?? 0, error: text });
    });
    runner.once('end', () => {
      this.save();
      if (host === undefined) this.watchForLeaks();
    });
  }

  private add(result: TestResult): void {
    this.results.push(result);
  }

  private save(): void {
    const file = process.env[RESULTS_VARIABLE];
    if (file !== undefined && file !== '') writeFileSync(file, JSON.stringify(this.results));
  }

  /** The timer itself keeps nothing alive: it fires only when something else does. */
  private watchForLeaks(): void {
    setTimeout(() => {
      const kept = process.getActiveResourcesInfo();
      const error = `Still open ${LEAK_GRACE_MS} ms after the last test: ${kept.join(', ')}`;
      process.stderr.write(`\n${error}\n`);
      this.add({
        title: 'everything is closed after the last test',
        state: 'failed',
        ms: 0,
        error,
      });
      this.save();
      process.exit(1);
    }, LEAK_GRACE_MS).unref();
  }
}
