import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Writes down when it began, and where; then it is at work until it is told to end. */
export default async function hold(job, ctx) {
  const { trace, until } = job.data;
  appendFileSync(trace, `${Date.now()} ${process.pid} ${process.ppid}\n`);
  while (!existsSync(until)) await delay(100, undefined, { signal: ctx?.signal });
}
