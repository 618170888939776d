import type { Database } from 'node-sqlite3-wasm';
import * as z from 'zod';
import { asOf, MINUTE_MS } from './asOf.ts';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';

const payload = z.object({ silenceMinutes: z.number().positive().default(15), now: asOf });

const silentRows = z.array(
  z.object({ id: z.number(), sender: z.string(), messages: z.number(), last_text: z.string() }),
);

type Silent = z.infer<typeof silentRows>[number];

/** Sessions in one transaction: it stays short, and others get their turn. */
const BATCH = 50;

/** Closes the sessions in which nobody wrote for some time, each with a summary. */
export default async function whatsappSessionsCleanupJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { silenceMinutes, now } = parsed.data;
  const silentSince = now - silenceMinutes * MINUTE_MS;
  let closed = 0;
  for (let batch = BATCH; batch === BATCH; closed += batch) {
    context.signal.throwIfAborted();
    batch = await inNotifications((database) => closeSome(database, silentSince, now));
  }
  return { status: 'cleaned', closed };
}

/** @returns how many were closed */
function closeSome(database: Database, silentSince: number, now: number): number {
  const silent = silentRows.parse(
    database.all(
      `SELECT id, sender, messages, last_text FROM sessions
       WHERE closed_at IS NULL AND last_message_at <= ? ORDER BY id LIMIT ${BATCH}`,
      [silentSince],
    ),
  );
  for (const session of silent) {
    database.run('UPDATE sessions SET closed_at = ?, summary = ? WHERE id = ?', [
      ...[now, summaryOf(session), session.id],
    ]);
  }
  return silent.length;
}

function summaryOf({ sender, messages, last_text: text }: Silent): string {
  return `${sender} wrote ${messages} ${messages === 1 ? 'message' : 'messages'}, the last: ${text}`;
}
