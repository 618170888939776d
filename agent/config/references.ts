import { statSync } from 'node:fs';
import * as path from 'node:path';
import { CronExpressionParser } from 'cron-parser';
import { messageOf } from '../common/errors.ts';
import { adapterExpected, isBuiltInAdapter } from './builtInAdapters.ts';
import type { ConfigProblem } from './configProblem.ts';
import { PayloadSchema, payloadSchemaTrouble, WHOLE_PAYLOAD } from './payloadSchema.ts';
import type { Config, ScheduleConfig } from './schema.ts';
import { TLS_FILE_SETTINGS, type TlsFiles } from './tlsFiles.ts';

/** What one setting needs of another, or of the disk. */
export function checkReferences(config: Config, workspace: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (at: string, value: unknown, expected: string) =>
    problems.push({ path: at, value, expected });
  const checkFile = (at: string, file: string) => {
    const full = path.resolve(workspace, file);
    if (!isFile(full)) add(at, file, `a file that exists: there is none at ${full}`);
  };
  const checkSchema = (at: string, file: string) => {
    const full = path.resolve(workspace, file);
    checkFile(at, file);
    const trouble = isFile(full) ? payloadSchemaTrouble(full) : undefined;
    if (trouble !== undefined)
      add(at, file, `a JSON Schema that payloads can be checked with: ${trouble}`);
  };
  const checkData = (at: string, { job, data }: ScheduleConfig) => {
    const file = Object.hasOwn(config.jobs, job) ? config.jobs[job]?.schema : undefined;
    const full = file === undefined ? undefined : path.resolve(workspace, file);
    if (full === undefined || payloadSchemaTrouble(full) !== undefined) return;
    for (const { path: place, value, expected } of new PayloadSchema(full).problems(data ?? {}))
      add(place === WHOLE_PAYLOAD ? at : `${at}.${place}`, value, expected);
  };
  const checkAdapter = (at: string, adapter: string | undefined) => {
    if (adapter === undefined || isBuiltInAdapter(adapter)) return;
    const full = path.resolve(workspace, adapter);
    if (!isFile(full)) add(at, adapter, adapterExpected(adapter, full));
  };
  const checkJob = (at: string, type: string) => {
    if (Object.hasOwn(config.jobs, type)) return;
    const known = Object.keys(config.jobs).join(', ') || 'none is declared';
    add(at, type, `a job type from "jobs" (${known})`);
  };

  const checkTls = (at: string, files: TlsFiles | undefined) => {
    for (const name of TLS_FILE_SETTINGS) {
      const file = files?.[name];
      if (file !== undefined) checkFile(`${at}.${name}`, file);
    }
  };
  checkTls('redis.tls', config.redis.tls);
  for (const [name, job] of Object.entries(config.jobs)) {
    checkFile(`jobs.${name}.handler`, job.handler);
    if (job.schema !== undefined) checkSchema(`jobs.${name}.schema`, job.schema);
  }
  if (config.telemetry !== undefined) checkFile('telemetry', config.telemetry);
  const used = new Set(Object.values(config.jobs).map(({ queue }) => queue));
  for (const [name, queue] of Object.entries(config.queues)) {
    const known = [...used].join(', ') || 'none is used';
    if (!used.has(name)) add(`queues.${name}`, queue, `a queue of a job type (${known})`);
  }
  for (const [name, schedule] of Object.entries(config.schedules)) {
    const at = `schedules.${name}`;
    checkJob(`${at}.job`, schedule.job);
    checkData(`${at}.data`, schedule);
    if ((schedule.every === undefined) === (schedule.cron === undefined)) {
      add(at, schedule, 'either "every" or "cron", and not both');
    }
    checkEvery(`${at}.every`, schedule.every, add);
    if (schedule.catchUpLimit !== undefined && schedule.missed !== 'catch-up') {
      add(`${at}.catchUpLimit`, schedule.catchUpLimit, '"missed": "catch-up" beside it');
    }
    const cronTrouble = checkCron(schedule.cron, schedule.timezone);
    if (cronTrouble !== undefined) {
      add(`${at}.cron`, schedule.cron, `a cron pattern: ${cronTrouble}`);
    }
  }
  for (const [name, stream] of Object.entries(config.streams)) {
    checkJob(`streams.${name}.job`, stream.job);
    checkAdapter(`streams.${name}.adapter`, stream.adapter);
    checkTls(`streams.${name}.tls`, stream.tls);
    if (stream.tls !== undefined && !stream.url.startsWith('wss:')) {
      add(`streams.${name}.tls`, stream.tls, 'an address that begins with "wss" beside it');
    }
  }
  return problems;
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

function checkEvery(
  at: string,
  every: ScheduleConfig['every'],
  add: (at: string, value: unknown, expected: string) => void,
): void {
  const bounds = typeof every === 'object' ? every : { min: every, max: undefined };
  const isDynamic = bounds.max !== undefined;
  if (bounds.min !== undefined && bounds.min < 1_000) {
    add(isDynamic ? `${at}.min` : at, bounds.min, 'an interval of at least "1s"');
  }
  if (bounds.min !== undefined && bounds.max !== undefined && bounds.max < bounds.min) {
    add(`${at}.max`, bounds.max, 'an interval that is not below "min"');
  }
}

function checkCron(pattern: string | undefined, tz: string | undefined): string | undefined {
  if (pattern === undefined) return undefined;
  // The parser fills missing fields in by itself, and an empty pattern with "every minute".
  if (!/^\s*(@\w+|\S+(\s+\S+){4,5})\s*$/.test(pattern)) {
    return 'it must have 5 fields, or 6 with seconds first';
  }
  try {
    // Some patterns, such as the 30th of February, can be read and never come.
    CronExpressionParser.parse(pattern, tz === undefined ? {} : { tz }).next();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
