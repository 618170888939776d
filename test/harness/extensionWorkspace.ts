import { DEBUG_HANDLERS } from './debugHandlers.ts';
import {
  makeWorkspace,
  ECHO_HANDLER,
  FAIL_HANDLER,
  WAIT_HANDLER,
  type TestWorkspace,
} from './workspace.ts';
import { writeDebugHandlers } from './writeDebugHandlers.ts';

/** What the extension tests work on: one job type for each thing that can happen to a job. */
export const EXTENSION_CONFIG = {
  jobs: {
    // First, so that it is the first choice of every list.
    echo: { handler: './jobs/echo.ts', unique: { by: [] } },
    wait: { handler: './jobs/wait.ts', queue: 'slow', unique: { by: ['until'] } },
    fail: { handler: './jobs/fail.ts', queue: 'broken' },
    // Delayed for so long after its first failure that only a person can bring it back.
    fail_later: {
      handler: './jobs/fail.ts',
      queue: 'later',
      retry: { max: 1, intervals: ['1h'] },
    },
    ...Object.fromEntries(
      DEBUG_HANDLERS.map(({ type, handler, isolation = 'process' }) => [
        type,
        { handler, isolation, queue: 'debugged' },
      ]),
    ),
    debug_common: {
      ...{ handler: './debug/common.cts', queue: 'debugged', schema: './debug/pair.json' },
    },
    store_ticks: { handler: './jobs/echo.ts', queue: 'websocket_data' },
  },
  schedules: { hourly: { job: 'echo', every: '1h' } },
  locks: { watch: ['redlock:*'] },
};

/** @param feedUrl a server of ticks: `ws://127.0.0.1:PORT/ticks` */
export function makeExtensionWorkspace(feedUrl: string, symbols: string[]): TestWorkspace {
  const streams = {
    feed: { url: feedUrl, symbols, job: 'store_ticks', batch: { maxTicks: 500, maxWait: '500ms' } },
  };
  const workspace = makeWorkspace(
    { ...EXTENSION_CONFIG, streams },
    {
      'jobs/echo.ts': ECHO_HANDLER,
      'jobs/wait.ts': WAIT_HANDLER,
      'jobs/fail.ts': FAIL_HANDLER,
      'package.json': JSON.stringify({ private: true, type: 'module' }),
    },
  );
  writeDebugHandlers(workspace);
  return workspace;
}
