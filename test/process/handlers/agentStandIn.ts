// A process that has a runner, as an agent has, to be killed and frozen by a test.
import { writeSync } from 'node:fs';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import { IsolatedRunner } from '../../../agent/handlers/isolatedRunner.ts';
import { createLogger } from '../../../agent/logging.ts';
import { listen, runOnce } from './runOnce.ts';
import { waitUntil } from './waitUntil.ts';

async function main(): Promise<void> {
  const [programFolder = '', file = '', action = '', silenceMs = ''] = process.argv.slice(2);

  const runner = new IsolatedRunner(
    'process',
    {
      ...{ file, jobType: 'demo', concurrency: 4, processes: 1, maxRunsPerProcess: 1_000 },
      silenceMs: Number(silenceMs),
    },
    programFolder,
    createLogger('/dev/null', 'silent'),
    systemClock,
  );

  await runOnce(runner, { do: 'nothing' });
  const { hooks } = listen();
  runOnce(runner, { do: action }, hooks).catch((error: unknown) => {
    writeSync(1, `failed: ${error instanceof InterlockError ? error.code : 'other'}\n`);
  });
  await waitUntil('the run is on its way', () => runner.processIds().length === 1);
  setImmediate(() => writeSync(1, `${String(runner.processIds()[0])}\n`));
}

void main();
