import { parseDurationMs } from '../common/duration.ts';
import type { ConfigProblem } from './configProblem.ts';
import type { Config, ScheduleConfig } from './schema.ts';
import { withStreamSecrets } from './streamSecrets.ts';
import { withWebhookSecrets } from './webhookSecrets.ts';

type Switch = keyof Config['deduplication'];

/** Which switch of the config a variable sets. The environment has the last word. */
const SWITCHES: Record<string, Switch> = {
  INTERLOCK_JOB_DEDUPLICATION_ENABLED: 'enabled',
  INTERLOCK_AGGRESSIVE_DEDUPLICATION_ENABLED: 'aggressive',
  INTERLOCK_JOB_STACKING_PREVENTION_ENABLED: 'stackingPrevention',
};

const LOCK_TIMEOUT = 'LOCK_TIMEOUT_MS';

const METRICS_PORT = 'INTERLOCK_METRICS_PORT';
const HIGHEST_PORT = 65_535;

/** `INTERLOCK_CHAIN_STATE_MONITOR_INTERVAL_SECONDS`: the name of a job type stands in the middle. */
const INTERVAL = /^INTERLOCK_(.+)_INTERVAL_SECONDS$/;

/** 31 years, and no number that a date can not hold. */
const SECONDS = /^[1-9]\d{0,8}$/;

const TRUE = ['1', 'true', 'yes', 'on'];
const FALSE = ['0', 'false', 'no', 'off'];

/** The config as the environment changes it, and what in the environment can not be read. */
export function applyEnvironment(
  config: Config,
  env: NodeJS.ProcessEnv,
): { config: Config; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const deduplication = { ...config.deduplication };
  for (const [variable, name] of Object.entries(SWITCHES)) {
    const text = env[variable]?.trim().toLowerCase();
    if (text === undefined || text === '') continue;
    if (TRUE.includes(text)) deduplication[name] = true;
    else if (FALSE.includes(text)) deduplication[name] = false;
    else problems.push(problem(variable, env[variable], 'true or false'));
  }
  const maxAge = lockTimeout(env[LOCK_TIMEOUT], problems) ?? config.locks.maxAge;
  const schedules = withIntervals(config, env, problems);
  const secrets = withStreamSecrets(config.streams, env);
  problems.push(...secrets.problems);
  const { streams } = secrets;
  const { metrics: written, ...others } = config;
  const metrics = withMetricsPort(written, env[METRICS_PORT], problems);
  const alerts = withAlertSecrets(config.alerts, env, problems);
  return {
    config: {
      ...{ ...others, deduplication, schedules, streams, alerts },
      ...(metrics === undefined ? {} : { metrics }),
      locks: { ...config.locks, maxAge },
    },
    problems,
  };
}

/** Agents of one machine share their config, and no two of them a port. */
function withMetricsPort(
  metrics: Config['metrics'],
  text: string | undefined,
  problems: ConfigProblem[],
): Config['metrics'] {
  const wanted = text?.trim().toLowerCase() ?? '';
  if (wanted === '') return metrics;
  if (wanted === 'off') return undefined;
  const port = /^\d{1,5}$/.test(wanted) ? Number(wanted) : NaN;
  if (port <= HIGHEST_PORT) return { host: metrics?.host ?? '127.0.0.1', port };
  problems.push(problem(METRICS_PORT, text, 'a port such as 9464, 0 for any free one, or "off"'));
  return metrics;
}

function withAlertSecrets(
  alerts: Config['alerts'],
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Config['alerts'] {
  if (alerts.webhook === undefined) return alerts;
  const secrets = withWebhookSecrets(alerts.webhook, env);
  problems.push(...secrets.problems);
  return { ...alerts, webhook: secrets.webhook };
}

function lockTimeout(text: string | undefined, problems: ConfigProblem[]): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) : parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  problems.push(problem(LOCK_TIMEOUT, text, 'milliseconds, such as 3600000, or text such as "1h"'));
  return undefined;
}

/** Variables of types that are not declared here are for another workspace: they say nothing. */
function withIntervals(
  config: Config,
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Config['schedules'] {
  const schedules = { ...config.schedules };
  for (const [variable, text = ''] of Object.entries(env)) {
    const part = INTERVAL.exec(variable)?.[1];
    if (part === undefined || text.trim() === '') continue;
    const types = Object.keys(config.jobs).filter((type) => capitalsOf(type) === part);
    if (types.length === 0) continue;
    const own = Object.entries(schedules).filter(([, schedule]) => types.includes(schedule.job));
    const expected = intervalNeeds(
      text,
      own.map(([, schedule]) => schedule),
    );
    if (expected !== undefined) {
      problems.push(problem(variable, text, expected));
      continue;
    }
    for (const [name, schedule] of own) {
      if (schedule.every === undefined) continue;
      schedules[name] = { ...schedule, every: Number(text) * 1_000 };
    }
  }
  return schedules;
}

/** What an interval lacks to have an effect. @returns undefined when it has one */
function intervalNeeds(text: string, own: ScheduleConfig[]): string | undefined {
  if (!SECONDS.test(text.trim())) return 'whole seconds from 1 on, such as 300';
  if (own.some((schedule) => schedule.every !== undefined)) return undefined;
  const there = own.length === 0 ? 'it has no schedule' : 'its schedules have "cron"';
  return `a schedule with "every" for this job type: ${there}`;
}

/** A job type as a part of a variable: `chain-state.monitor` is `CHAIN_STATE_MONITOR`. */
function capitalsOf(type: string): string {
  return type.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}

function problem(variable: string, value: unknown, expected: string): ConfigProblem {
  return { path: `environment variable ${variable}`, value, expected };
}
