import type { AsyncLocalStorage } from 'node:async_hooks';
import { format } from 'node:util';

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const;

/**
 * Sends what a handler prints to the log of its own job. What is printed outside of a run (at the
 * top level of a module, by a timer that outlives its run) goes where it always goes.
 * @param alwaysPrints what a run prints goes there as well
 */
export function attributeConsole<Run>(
  output: Console,
  current: AsyncLocalStorage<Run>,
  log: (run: Run, line: string) => boolean,
  alwaysPrints = false,
): void {
  for (const method of METHODS) {
    const original = output[method].bind(output);
    output[method] = (...values: unknown[]) => {
      const run = current.getStore();
      const isLogged = run !== undefined && log(run, format(...values));
      if (!isLogged || alwaysPrints) original(...values);
    };
  }
}
