import * as z from 'zod';
import { asOf, DAY_MS } from './asOf.ts';
import type { HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';

const payload = z.object({ days: z.number().positive().default(7), now: asOf });

/** Removes reminders that were due long ago, and the notes of their pushes. */
export default async function remindersCleanupJob(job: HandlerJob) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const before = parsed.data.now - parsed.data.days * DAY_MS;
  return inNotifications((database) => {
    const { changes: pushes } = database.run(
      `DELETE FROM reminder_pushes
       WHERE reminder IN (SELECT id FROM reminders WHERE due_at < ?)`,
      before,
    );
    const { changes: reminders } = database.run('DELETE FROM reminders WHERE due_at < ?', before);
    return { status: 'cleaned', reminders, pushes };
  });
}
