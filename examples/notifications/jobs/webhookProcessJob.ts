import type { Database } from 'node-sqlite3-wasm';
import * as z from 'zod';
import { instant } from './asOf.ts';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';
import { postTo } from './services.ts';

const payload = z.object({
  provider: z.string().min(1),
  messageId: z.string().min(1),
  from: z.string().min(1),
  text: z.string(),
  sentAt: instant,
});

type Message = z.infer<typeof payload>;

/** What people write to be reminded: "remind me at 2026-01-31T09:15:00Z to call Dana". */
const REMINDER = /^remind me at (\S+) to (.+)$/i;

const known = z.object({ replied_at: z.number().nullable() });
const replied = z.object({ duplicate: z.boolean() });

/**
 * Takes a message in, once, however often the provider sends it: its id is the primary key. Then it
 * is answered. A try that ended between the two goes on with the answer.
 */
export default async function webhookProcessJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const message = parsed.data;
  const taken = await inNotifications((database) => takeIn(database, message));
  if (taken.isAnswered) {
    await context.log(`Message ${message.messageId} was processed before`);
    return { status: 'already_processed' };
  }
  const { provider, messageId, from } = message;
  const text = taken.reminder ? 'I will remind you.' : 'Thank you, we will get back to you.';
  const key = `reply/${provider}/${messageId}`;
  await postTo('/replies', { key, body: { to: from, text } }, replied, context);
  await inNotifications((database) =>
    database.run('UPDATE messages SET replied_at = ? WHERE provider = ? AND id = ?', [
      ...[Date.now(), provider, messageId],
    ]),
  );
  return { status: 'processed', reminder: taken.reminder };
}

function takeIn(database: Database, message: Message) {
  const { provider, messageId, from, text, sentAt } = message;
  const reminder = reminderIn(text);
  const { changes } = database.run(
    'INSERT OR IGNORE INTO messages (provider, id, sender, text, sent_at) VALUES (?, ?, ?, ?, ?)',
    [provider, messageId, from, text, sentAt],
  );
  if (changes === 0) {
    const row = database.get('SELECT replied_at FROM messages WHERE provider = ? AND id = ?', [
      ...[provider, messageId],
    ]);
    return { isAnswered: known.parse(row).replied_at !== null, reminder: reminder !== undefined };
  }
  addToSession(database, message);
  // Who writes to us can be written to.
  database.run('INSERT OR IGNORE INTO devices (user, device) VALUES (?, ?)', [
    ...[from, `${from}/phone`],
  ]);
  if (reminder !== undefined) {
    database.run(
      'INSERT INTO reminders (id, user, text, due_at, created_at) VALUES (?, ?, ?, ?, ?)',
      [`${provider}/${messageId}`, from, reminder.text, reminder.dueAt, sentAt],
    );
  }
  return { isAnswered: false, reminder: reminder !== undefined };
}

function addToSession(database: Database, { from, text, sentAt }: Message): void {
  const { changes } = database.run(
    `UPDATE sessions SET messages = messages + 1, last_text = ?,
       last_message_at = max(last_message_at, ?)
     WHERE sender = ? AND closed_at IS NULL`,
    [text, sentAt, from],
  );
  if (changes > 0) return;
  database.run(
    'INSERT INTO sessions (sender, messages, last_text, last_message_at) VALUES (?, 1, ?, ?)',
    [from, text, sentAt],
  );
}

function reminderIn(text: string): { dueAt: number; text: string } | undefined {
  const [, at, what] = REMINDER.exec(text) ?? [];
  const dueAt = instant.safeParse(at);
  return dueAt.success && what !== undefined ? { dueAt: dueAt.data, text: what } : undefined;
}
