import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';
import { postTo, ServiceRefused } from './services.ts';

const payload = z.object({
  /** The same push has the same id, whoever asks for it and however often. */
  pushId: z.string().min(1),
  user: z.string().min(1),
  title: z.string(),
  body: z.string(),
});

type Push = z.infer<typeof payload>;

const deviceRows = z.array(z.object({ device: z.string(), sent_at: z.number().nullable() }));
const taken = z.object({ duplicate: z.boolean() });

const DEVICES = `
  SELECT devices.device, sent_at FROM devices
    LEFT JOIN push_deliveries AS done ON done.push_id = ? AND done.device = devices.device
  WHERE user = ? AND active = 1 ORDER BY devices.device
`;

/** Any answer of the push service that says: this device will never take a push again. */
const GONE = 410;

/**
 * Sends a push to each device of a user, once. Devices that have it are left out, so a second try
 * sends only what is missing; a device that is gone is not asked again.
 */
export default async function pushSendJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const push = parsed.data;
  const devices = await inNotifications((database) =>
    deviceRows.parse(database.all(DEVICES, [push.pushId, push.user])),
  );
  if (devices.length === 0) return { status: 'no_device', user: push.user };
  const missing = devices.filter(({ sent_at: sentAt }) => sentAt === null);
  if (missing.length === 0) return { status: 'already_sent', devices: devices.length };
  const counts = { sent: 0, gone: 0 };
  for (const { device } of missing) {
    context.signal.throwIfAborted();
    counts[await sendTo(device, push, context)] += 1;
  }
  return { status: counts.sent > 0 ? 'sent' : 'no_device', ...counts };
}

async function sendTo(device: string, push: Push, context: HandlerContext) {
  const { pushId, title, body } = push;
  const message = { key: `${pushId}/${device}`, body: { device, title, body } };
  try {
    await postTo('/pushes', message, taken, context);
  } catch (error) {
    if (!(error instanceof ServiceRefused) || error.httpStatus !== GONE) throw error;
    await inNotifications((database) =>
      database.run('UPDATE devices SET active = 0 WHERE device = ?', device),
    );
    await context.log(`${device} is gone, and gets no more pushes`);
    return 'gone';
  }
  await inNotifications((database) =>
    database.run(
      'INSERT OR IGNORE INTO push_deliveries (push_id, device, sent_at) VALUES (?, ?, ?)',
      [pushId, device, Date.now()],
    ),
  );
  return 'sent';
}
