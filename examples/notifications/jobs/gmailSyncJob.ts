import type { Database } from 'node-sqlite3-wasm';
import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';
import { fetchFrom } from './services.ts';

const payload = z.object({ account: z.string().min(1) });

const page = z.object({
  messages: z.array(
    z.object({
      number: z.number().int(),
      from: z.string(),
      subject: z.string(),
      cents: z.number().int().nullable(),
    }),
  ),
  more: z.boolean(),
});

type Page = z.infer<typeof page>;

const cursorRow = z.object({ last_number: z.number() }).nullable();

/**
 * Keeps the receipts in a mailbox, from where the last run stopped. Receipts and the place to go on from
 * are one transaction, so a run that ends anywhere loses nothing and keeps nothing twice.
 */
export default async function gmailSyncJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { account } = parsed.data;
  const counts = { messages: 0, receipts: 0 };
  let after = await inNotifications((database) => lastNumber(database, account));
  for (let more = true; more;) {
    const url = `/mail/${encodeURIComponent(account)}/messages?after=${after}`;
    const fetched = await fetchFrom(url, page, context);
    counts.receipts += await inNotifications((database) => keep(database, account, fetched));
    counts.messages += fetched.messages.length;
    after = fetched.messages.at(-1)?.number ?? after;
    // An answer without messages ends it, whatever it says.
    more = fetched.more && fetched.messages.length > 0;
  }
  return { status: 'synced', account, ...counts };
}

function lastNumber(database: Database, account: string): number {
  const row = database.get('SELECT last_number FROM mail_accounts WHERE account = ?', account);
  return cursorRow.parse(row)?.last_number ?? 0;
}

/** @returns how many receipts were new */
function keep(database: Database, account: string, { messages }: Page): number {
  let added = 0;
  for (const { number, from, cents } of messages) {
    if (cents === null) continue;
    added += database.run(
      'INSERT OR IGNORE INTO receipts (account, number, sender, cents) VALUES (?, ?, ?, ?)',
      [account, number, from, cents],
    ).changes;
  }
  const last = messages.at(-1)?.number;
  if (last !== undefined) {
    database.run(
      `INSERT INTO mail_accounts (account, last_number) VALUES (?, ?)
       ON CONFLICT (account) DO UPDATE SET last_number = max(last_number, excluded.last_number)`,
      [account, last],
    );
  }
  return added;
}
