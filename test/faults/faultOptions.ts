import { parseArgs } from 'node:util';
import { parseDurationMs } from '../../agent/common/duration.ts';
import { BREAK_NAMES, type BreakName } from './brokenBuild.ts';

export interface FaultOptions {
  seed: number;
  /** Ends after so many rounds, or after that time, whichever comes first. */
  rounds: number;
  forMs: number;
  roundMs: number;
  /** TTL of the lease of a run. */
  leaseTtlMs: number;
  /** The build under test. */
  dist: string;
  broken: BreakName | undefined;
  keep: boolean;
  json: boolean;
}

export const USAGE = `npm run test:faults -- [--seed S] [--rounds N] [--for 2m] [--round-ms 1200] [--ttl 1500ms]
  [--dist DIR] [--break ${BREAK_NAMES.join('|')}] [--keep] [--json]`;

/** @throws Error that says what can not be understood */
export function readFaultOptions(argv: string[], projectRoot: string): FaultOptions {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      ...{ seed: text, rounds: text, for: text, 'round-ms': text, ttl: text, dist: text },
      ...{ break: text, keep: flag, json: flag },
    },
  });
  const forMs = durationOf('--for', values.for, Infinity);
  return {
    seed: numberOf('--seed', values.seed, Math.floor(Math.random() * 1e9)),
    rounds: numberOf('--rounds', values.rounds, forMs === Infinity ? 100 : Infinity),
    forMs,
    roundMs: numberOf('--round-ms', values['round-ms'], 1_200),
    leaseTtlMs: durationOf('--ttl', values.ttl, 1_500),
    dist: values.dist ?? `${projectRoot}/dist`,
    broken: breakOf(values.break),
    keep: values.keep,
    json: values.json,
  };
}

function numberOf(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`${name} ${text}: expected a whole number`);
}

function durationOf(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new Error(`${name} ${text}: expected a duration such as 2m`);
}

function breakOf(text: string | undefined): BreakName | undefined {
  if (text === undefined) return undefined;
  const known = BREAK_NAMES.find((name) => name === text);
  if (known !== undefined) return known;
  throw new Error(`--break ${text}: expected one of ${BREAK_NAMES.join(', ')}`);
}
