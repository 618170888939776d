// npm run test:schedules: three schedulers, whose leader is killed and frozen. Ends with 1 when a slot is
// nowhere, or in two places. See docs/schedules.md.
import { parseArgs } from 'node:util';
import { messageOf } from '../../agent/common/errors.ts';
import { SchedulerTrial, type TrialResult } from './schedulerTrial.ts';

const USAGE =
  'npm run test:schedules -- [--minutes 5] [--schedules 30] [--kills 20] [--freezes 10] [--json]';
const MINUTE_MS = 60_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

function resultText(result: TrialResult): string {
  const { slots, enqueued, passed, kills, freezes, afterKillMs, afterFreezeMs, faults } = result;
  const times = (ms: number[]) => {
    const sorted = ms.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]?.toFixed(0) ?? '-';
    return `p50 ${at(0.5)} ms, most ${at(1)} ms`;
  };
  return [
    `${slots} slots, ${enqueued} enqueued once; passed over by policy: skip ${passed.skip}, run-once ${passed['run-once']}, catch-up ${passed['catch-up']}.`,
    `${kills} times kill -9 of the leader: another leads after ${times(afterKillMs)}.`,
    `${freezes} times frozen: another leads after ${times(afterFreezeMs)}, of which its lock is 2,000 ms.`,
    faults.length === 0 ? 'Each slot is accounted for.' : `Faults:\n${faults.join('\n')}`,
  ].join('\n');
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ minutes: text, schedules: text, kills: text, freezes: text },
      json: { type: 'boolean', default: false },
    },
  });
  const numberOf = (name: string, given: string | undefined, fallback: number) => {
    const value = given === undefined ? fallback : Number(given);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new Error(`--${name} ${given}: expected a number`);
  };
  const result = await SchedulerTrial.play({
    forMs: numberOf('minutes', values.minutes, 5) * MINUTE_MS,
    schedules: numberOf('schedules', values.schedules, 30),
    kills: numberOf('kills', values.kills, 20),
    freezes: numberOf('freezes', values.freezes, 10),
    say,
  });
  process.stdout.write(`${values.json ? JSON.stringify(result) : resultText(result)}\n`);
  return result.faults.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n${USAGE}`);
    process.exit(2);
  },
);
