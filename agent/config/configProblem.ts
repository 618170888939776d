/** A setting that can not be used. */
export interface ConfigProblem {
  /** Dotted path in the config file, such as `jobs.sync.maxConcurrent`. */
  path: string;
  value: unknown;
  expected: string;
}
