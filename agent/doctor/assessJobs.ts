import { formatDuration } from '../common/duration.ts';
import { failure, ok, warning, type Check } from './check.ts';
import type { QueueFacts, StuckJob } from './facts.ts';

/** So many are named; of more only their number is told. */
const MOST_NAMED = 5;

/** Jobs that need a person: stuck runs, queues that are held up, and schedules that stand still. */
export function assessJobs(
  stuck: readonly StuckJob[] | null,
  queues: readonly QueueFacts[],
): Check[] {
  return [
    ...(stuck === null ? [] : [assessStuck(stuck)]),
    ...assessPaused(queues),
    ...assessSchedules(queues),
  ];
}

function assessStuck(stuck: readonly StuckJob[]): Check {
  const name = 'stuck jobs';
  const unlocked = stuck.filter(({ why }) => why === 'no_lock');
  if (unlocked.length > 0) {
    return failure(
      name,
      `${listed(unlocked)} count as running, and nobody has their lock.`,
      'An agent with role worker gives them back at once: run "interlock start". Of a queue that the config does not name, start its own workers.',
    );
  }
  if (stuck.length > 0) {
    return warning(
      name,
      `Running for very long: ${listed(stuck)}.`,
      'See what it does with "interlock job ID". Nothing is taken away for its age.',
    );
  }
  return ok(name, 'None.');
}

function assessPaused(queues: readonly QueueFacts[]): Check[] {
  const held = queues.filter(({ paused, pending }) => paused && pending > 0);
  if (held.length === 0) return [];
  const list = held.map(({ name, pending }) => `${name} (${pending} jobs)`).join(', ');
  const names = held.map(({ name }) => name);
  return [
    warning(
      'paused queues',
      `Paused, with jobs in it: ${list}.`,
      `Run: ${names.map((name) => `interlock resume ${name}`).join('; ')}`,
    ),
  ];
}

/** BullMQ's own of other programs: it makes the next job only when a worker takes the one before. */
function assessSchedules(queues: readonly QueueFacts[]): Check[] {
  const names = queues.flatMap(({ stuckSchedules }) => stuckSchedules);
  if (names.length === 0) return [];
  return [
    warning(
      'stuck schedules',
      `The job of their last slot is gone, so BullMQ makes no other one: ${names.join(', ')}.`,
      'Restart the program that made them, so that it calls upsertJobScheduler again.',
    ),
  ];
}

function listed(jobs: readonly StuckJob[]): string {
  const named = jobs.slice(0, MOST_NAMED).map(({ queue, id, type, runningForMs }) => {
    const age = runningForMs === null ? '' : ` for ${formatDuration(runningForMs)}`;
    return `${type} ${queue}/${id}${age}`;
  });
  const more = jobs.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}
