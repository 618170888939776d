import { fileURLToPath } from 'node:url';
import type { Database } from 'node-sqlite3-wasm';
import { inTransaction } from './sqliteFile.ts';

const DATABASE = fileURLToPath(new URL('../data/notifications.db', import.meta.url));

/** Times are milliseconds since the epoch. What must happen once has a primary key that says so. */
const SCHEMA = `
  CREATE TABLE messages (
    provider TEXT NOT NULL,
    id TEXT NOT NULL,
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    replied_at INTEGER,
    PRIMARY KEY (provider, id)
  );

  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    sender TEXT NOT NULL,
    messages INTEGER NOT NULL,
    last_text TEXT NOT NULL,
    last_message_at INTEGER NOT NULL,
    closed_at INTEGER,
    summary TEXT
  );
  CREATE UNIQUE INDEX one_open_session ON sessions (sender) WHERE closed_at IS NULL;

  CREATE TABLE devices (
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (user, device)
  );

  CREATE TABLE push_deliveries (
    push_id TEXT NOT NULL,
    device TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (push_id, device)
  );

  CREATE TABLE reminders (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    text TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  );

  CREATE TABLE reminder_pushes (
    reminder TEXT NOT NULL,
    minutes_before INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (reminder, minutes_before)
  );

  CREATE TABLE recordings (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL,
    file TEXT NOT NULL,
    transcript TEXT NOT NULL,
    recorded_at INTEGER NOT NULL
  );

  CREATE TABLE mail_accounts (account TEXT PRIMARY KEY, last_number INTEGER NOT NULL);

  CREATE TABLE receipts (
    account TEXT NOT NULL,
    number INTEGER NOT NULL,
    sender TEXT NOT NULL,
    cents INTEGER NOT NULL,
    PRIMARY KEY (account, number)
  );

  CREATE TABLE observations (
    monitor TEXT NOT NULL,
    subject TEXT NOT NULL,
    value TEXT NOT NULL,
    fence INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (monitor, subject)
  );
`;

/**
 * Does the work in one transaction of the example's database.
 * @throws what `work` throws, after a rollback
 */
export function inNotifications<T>(work: (database: Database) => T): Promise<T> {
  return inTransaction(DATABASE, SCHEMA, work);
}
