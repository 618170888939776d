import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';

const payload = z.object({
  broadcastId: z.string().min(1),
  title: z.string(),
  body: z.string(),
});

const users = z.array(z.object({ user: z.string() }));

/**
 * One push job for each user who has a device. It sends nothing itself: so one user's trouble holds up
 * nobody else, and a broadcast that runs again makes pushes that have been sent already.
 */
export default async function broadcastJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { broadcastId, title, body } = parsed.data;
  const audience = await inNotifications((database) =>
    users.parse(database.all('SELECT DISTINCT user FROM devices WHERE active = 1 ORDER BY user')),
  );
  let accepted = 0;
  for (const [index, { user }] of audience.entries()) {
    context.signal.throwIfAborted();
    const push = { pushId: `broadcast/${broadcastId}/${user}`, user, title, body };
    const decision = await context.enqueue('push_send_job', push);
    if (decision.outcome === 'accepted') accepted += 1;
    await context.progress(Math.round((100 * (index + 1)) / audience.length));
  }
  return { status: 'sent_out', users: audience.length, accepted };
}
