import Mocha from 'mocha';
import ResultReporter from '../../harness/resultReporter.ts';

const TEST_TIMEOUT_MS = 120_000;

/** What the extension host calls. The files are loaded after mocha has made `describe` and `it`. */
export async function run(): Promise<void> {
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: TEST_TIMEOUT_MS,
    forbidOnly: true,
    forbidPending: true,
    color: false,
    reporter: ResultReporter,
  });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  // In this order: the later ones stop and break what the earlier ones look at.
  await import('./views.test.ts');
  await import('./commands.test.ts');
  await import('./streams.test.ts');
  await import('./decisions.test.ts');
  await import('./debug.test.ts');
  // Ends with so many locks that the agent reads them more rarely for a while.
  await import('./locks.test.ts');
  await import('./crash.test.ts');
  await import('./config.test.ts');
  await import('./stop.test.ts');
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
