import type { Config } from './schema.ts';

export interface ConfigProblem {
  /** Dotted path in the config file, such as `jobs.sync.maxConcurrent`. */
  path: string;
  value: unknown;
  expected: string;
}

/** Settings that are part of the format and that this version does not act on: refused, never ignored. */
export function findUnsupported(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (path: string, value: unknown, instead: string) => {
    if (value === undefined) return;
    problems.push({ path, value, expected: `not supported yet in this version: ${instead}` });
  };

  for (const [name, job] of Object.entries(config.jobs)) {
    const at = `jobs.${name}`;
    if (job.isolation === 'thread')
      refuse(`${at}.isolation`, 'thread', 'use "process" or "inline"');
  }
  return problems;
}
