import * as z from 'zod';
import { asOf, MINUTE_MS } from './asOf.ts';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';

const payload = z.object({ now: asOf });

const dueRows = z.array(
  z.object({
    id: z.string(),
    user: z.string(),
    text: z.string(),
    due_at: z.number(),
    mark: z.number(),
  }),
);

/**
 * A mark of 30 minutes is open from 30 to 15 minutes before, that of 15 until the reminder is due: a tick
 * that comes late, because nothing ran, still makes good for it. A mark that was over when the
 * reminder was made is none.
 */
const OPEN_MARKS = `
  WITH marks (mark, until) AS (VALUES (30, 15), (15, 0))
  SELECT id, user, text, due_at, mark FROM reminders, marks
  WHERE :now >= due_at - mark * ${MINUTE_MS} AND :now < due_at - until * ${MINUTE_MS}
    AND created_at <= due_at - mark * ${MINUTE_MS}
    AND NOT EXISTS (
      SELECT 1 FROM reminder_pushes WHERE reminder = reminders.id AND minutes_before = mark
    )
  ORDER BY due_at, id
`;

/**
 * Asks for the pushes of reminders that are due in 30 and in 15 minutes: each once. The push comes
 * first and then the note of it; a run that dies in between asks again, and the push, which has the
 * same id, is sent once.
 */
export default async function remindersTickJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { now } = parsed.data;
  const open = await inNotifications((database) =>
    dueRows.parse(database.all(OPEN_MARKS, { ':now': now })),
  );
  for (const { id, user, text, due_at: dueAt, mark } of open) {
    context.signal.throwIfAborted();
    const minutes = Math.ceil((dueAt - now) / MINUTE_MS);
    await context.enqueue('push_send_job', {
      ...{ pushId: `reminder/${id}/${mark}`, user },
      ...{ title: `In ${minutes} minutes`, body: text },
    });
    await inNotifications((database) =>
      database.run('INSERT OR IGNORE INTO reminder_pushes VALUES (?, ?, ?)', [id, mark, now]),
    );
  }
  return { status: 'ticked', pushes: open.length };
}
