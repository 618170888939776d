import type { ConfigProblem } from './configProblem.ts';
import type { Config, JobTypeConfig } from './schema.ts';

/** Combinations of a uniqueness rule that can not do what they say, and why. */
export function checkUniqueRules(config: Config): ConfigProblem[] {
  return Object.entries(config.jobs).flatMap(([name, type]) => checkType(`jobs.${name}`, type));
}

function checkType(at: string, type: JobTypeConfig): ConfigProblem[] {
  const rule = type.unique;
  if (rule === undefined) return [];
  const problems: ConfigProblem[] = [];
  const add = (field: string, value: unknown, expected: string) =>
    problems.push({ path: `${at}.unique.${field}`, value, expected });

  if (rule.while === 'window' && rule.window === undefined) {
    add('window', undefined, 'a duration such as "10m": "while": "window" has no end without it');
  }
  if (rule.while !== 'window' && rule.window !== undefined) {
    add(
      'window',
      rule.window,
      '"while": "window" beside it: with another "while" it has no effect',
    );
  }
  if (rule.onConflict === 'replace' && rule.while === 'running') {
    add(
      'onConflict',
      'replace',
      waiting('"replace" gives the payload to the job that waits', rule),
    );
  }
  if (rule.onConflict === 'reschedule' && rule.while !== 'queued-or-running') {
    add('onConflict', 'reschedule', rescheduleNeeds(rule.while));
  }
  if (rule.while === 'queued' && type.maxConcurrent === 1 && rule.onConflict !== 'replace') {
    add(
      'while',
      'queued',
      'a "maxConcurrent" above 1 beside it: with 1, nothing could be queued while one runs, so it is "queued-or-running"',
    );
  }
  if (rule.while === 'queued' && type.monitoring) {
    add(
      'while',
      'queued',
      '"queued-or-running" or "running" beside "monitoring": it removes what waits beside a run, and with "queued" one may wait there',
    );
  }
  return problems;
}

type Rule = NonNullable<JobTypeConfig['unique']>;

function waiting(what: string, rule: Rule): string {
  return `"skip" or "fail": ${what}, and with "while": "${rule.while}" only a job that runs is in the way`;
}

function rescheduleNeeds(rule: Rule['while']): string {
  const why = {
    queued:
      'with "while": "queued" a job that runs is never in the way, so there is nothing to run after',
    running:
      'with "while": "running" jobs may wait beside the one that runs, so one that is rescheduled would not be the only one',
    window: 'a window does not end when a job does, so there is no moment to run it',
    'queued-or-running': '',
  }[rule];
  return `"while": "queued-or-running" beside it: ${why}`;
}
