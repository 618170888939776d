import * as z from 'zod';
import { HttpError } from './localServer.mjs';

const MOST_MESSAGES = 50;
const id = z.string().min(1).max(200);
const text = z.string().max(4_000);
const time = z.iso.datetime({ offset: true });

/** What comes in, and the jobs that it asks for. `last` is the end of the path. */
const ROUTES = {
  webhooks: {
    body: z.strictObject({
      messages: z
        .array(z.strictObject({ id, from: id, text, sentAt: time.optional() }))
        .min(1)
        .max(MOST_MESSAGES),
    }),
    jobs: ({ messages }, { last, now }) =>
      messages.map(({ id: messageId, from, text, sentAt = now }) => ({
        type: 'webhook_process_job',
        data: { provider: last, messageId, from, text, sentAt },
      })),
  },
  pushes: {
    body: z.strictObject({ pushId: id, user: id, title: text, body: text }),
    jobs: (data) => [{ type: 'push_send_job', data }],
  },
  broadcasts: {
    body: z.strictObject({ broadcastId: id, title: text, body: text }),
    jobs: (data) => [{ type: 'broadcast_job', data }],
  },
  recordings: {
    body: z.strictObject({ recordingId: id, sessionId: id, recordedAt: time.optional() }),
    jobs: ({ recordedAt, ...data }, { now }) => [
      { type: 'recording_job', data: { ...data, recordedAt: recordedAt ?? now } },
    ],
  },
  'mail-syncs': {
    body: z.strictObject({ account: id }),
    jobs: (data) => [{ type: 'gmail_sync_job', data }],
  },
  now: {
    body: z.strictObject({ schedule: id }),
    jobs: (schedule) => [schedule],
  },
};

/**
 * The jobs that a request asks for.
 * @param {import('./localServer.mjs').Asked} asked
 * @param {number} nowMs
 * @returns {(import('./agentLink.mjs').Wanted)[]} at least one
 * @throws {HttpError} 404, 405, 400
 */
export function jobsOf({ method, path, body }, nowMs) {
  const [, name, last, ...more] = path.split('/').map(decodeURIComponent);
  // Only the webhooks say more in their path: the provider.
  const known = Object.hasOwn(ROUTES, name ?? '') && (last !== undefined) === (name === 'webhooks');
  if (!known || last === '' || more.length > 0) {
    throw new HttpError(404, `There is nothing at ${path}.`);
  }
  if (method !== 'POST') throw new HttpError(405, `Only POST ${path}.`);
  const route = ROUTES[name];
  const parsed = route.body.safeParse(body);
  if (!parsed.success) throw new HttpError(400, z.prettifyError(parsed.error));
  return route.jobs(parsed.data, { last, now: new Date(nowMs).toISOString() });
}
