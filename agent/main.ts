/** The agent's entry: argv and environment in, one running agent, signals and exit codes out. */
import { mkdirSync, renameSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { Agent } from './agent.ts';
import { readAgentOptions } from './agentOptions.ts';
import { exitCodeOf } from './cli/exitCodes.ts';
import { systemClock } from './common/clock.ts';
import { toInterlockError, type InterlockError } from './common/errors.ts';
import { systemRandom } from './common/random.ts';
import { deprecationWarnings } from './deprecatedEnvironment.ts';
import { createLogger } from './logging.ts';

/** A second signal: what runs is cut, and comes back to its queue when others notice. */
const EXIT_AT_ONCE = 1;

const STDOUT = 1;

/** A log that is larger at the start is put aside; one older log is kept. */
const MAX_LOG_BYTES = 5_000_000;

async function main(): Promise<number> {
  const options = readAgentOptions(process.argv.slice(2), process.env);
  mkdirSync(options.stateFolder, { recursive: true, mode: 0o700 });
  const logFile = path.join(options.stateFolder, 'agent.log');
  const target = options.logTo === 'stdout' ? STDOUT : logFile;
  if (target !== STDOUT) putAsideLargeLog(logFile);
  const logger = createLogger(target, options.logLevel);
  process.on('unhandledRejection', (reason) =>
    logger.error({ err: reason }, 'unhandled rejection'),
  );

  for (const warning of deprecationWarnings(process.env)) {
    logger.warn(warning);
    process.stderr.write(`Warning: ${warning}\n`);
  }
  const agent = new Agent(options, {
    ...{ clock: systemClock, random: systemRandom, logger, env: process.env },
  });
  let signals = 0;
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) endNow(agent, EXIT_AT_ONCE);
        resolve(signal);
      });
    }
  });
  await agent.start();
  const reason = await Promise.race([signalled, agent.stopRequested]);
  const inTime = agent.stop(reason).then(() => true);
  if (await Promise.race([inTime, agent.stopBound().then(() => false)])) return 0;
  logger.error('did not stop in time, ends now');
  return endNow(agent, 0);
}

function endNow(agent: Agent, exitCode: number): never {
  agent.killHandlers();
  process.exit(exitCode);
}

function putAsideLargeLog(file: string): void {
  try {
    if (statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // There is none yet.
  }
}

/** Whoever started the agent reads this line to tell a person what is wrong. */
function reportFailure(error: InterlockError): void {
  const { code, message, remedy } = error;
  process.stderr.write(`${JSON.stringify({ error: { code, message, remedy } })}\n`);
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    const error = toInterlockError(thrown);
    reportFailure(error);
    process.exit(exitCodeOf(error.code));
  },
);
