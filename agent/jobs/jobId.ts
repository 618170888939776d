import { randomUUID } from 'node:crypto';
import type { Clock } from '../common/clock.ts';

/**
 * A new job id: time first, so that ids sort by age, then chance. It begins with a letter because
 * BullMQ refuses ids of digits only, and has no ":" because BullMQ refuses that as well.
 */
export function newJobId(clock: Clock): string {
  // Node keeps random bytes in stock for UUIDs; asking for bytes costs ten times as much.
  return `j${clock.now().toString(36)}-${randomUUID().slice(-12)}`;
}

/** The id of a schedule's slot: the same whoever enqueues it, so that it is added once. */
export function slotJobId(schedule: string, slotMs: number): string {
  // Two schedules never share an id: what stands for ":" is escaped as well.
  const name = schedule.replaceAll('%', '%25').replaceAll(':', '%3A');
  return `slot-${name}-${slotMs}`;
}

/** The schedule whose slot a job is, as its id tells; null when it is none's. */
export function scheduleOfJobId(id: string): string | null {
  const name = /^slot-(.+)-\d+$/s.exec(id)?.[1];
  return name?.replaceAll('%3A', ':').replaceAll('%25', '%') ?? null;
}
