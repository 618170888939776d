import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sqlite, { type Database } from 'node-sqlite3-wasm';

/** examples/market/data/market.db */
export const MARKET_DATABASE = fileURLToPath(new URL('../data/market.db', import.meta.url));

const LOCKED_PAUSE_MS = 20;
const LOCKED_TRIES = 50;

/** Kept in the file, so that a database of an earlier version is brought up to date. */
const VERSION = 1;

const PRICES = `
  CREATE TABLE ticker_price_data (
    symbol TEXT PRIMARY KEY,
    feed_symbol TEXT NOT NULL,
    price REAL NOT NULL CHECK (price > 0),
    seq INTEGER,
    ts INTEGER,
    stream TEXT NOT NULL,
    shard INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    running INTEGER NOT NULL,
    ticks INTEGER NOT NULL
  );
`;

const LEGACY = `
  CREATE TABLE legacy_ticks (
    stream TEXT NOT NULL,
    shard INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    running INTEGER NOT NULL,
    raw TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (stream, shard, fence, running)
  );
`;

/** From before a stream had shards. */
const FROM_VERSION_0 = `
  ALTER TABLE ticker_price_data ADD COLUMN stream TEXT NOT NULL DEFAULT '';
  ALTER TABLE ticker_price_data ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE legacy_ticks RENAME TO legacy_ticks_0;
  ${LEGACY}
  INSERT INTO legacy_ticks SELECT stream, 0, fence, running, raw, why FROM legacy_ticks_0;
  DROP TABLE legacy_ticks_0;
`;

/**
 * Opens the database, does the work in one transaction, and closes it. Another process that is at it
 * is waited for.
 * @throws what `work` throws, after a rollback
 */
export async function inTransaction<T>(file: string, work: (database: Database) => T): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true });
  register(file);
  for (let tries = 1; ; tries += 1) {
    try {
      return transactionNow(file, work);
    } catch (error) {
      if (!isLocked(error) || tries === LOCKED_TRIES) throw error;
      removeLockOfTheDead(file);
      await delay(LOCKED_PAUSE_MS);
    }
  }
}

function transactionNow<T>(file: string, work: (database: Database) => T): T {
  const database = new sqlite.Database(file);
  try {
    database.exec('BEGIN IMMEDIATE');
    try {
      bringUpToDate(database);
      const result = work(database);
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  } finally {
    database.close();
  }
}

function bringUpToDate(database: Database): void {
  if (database.get('PRAGMA user_version')?.['user_version'] === VERSION) return;
  const old = database.get("SELECT 1 FROM sqlite_master WHERE name = 'ticker_price_data'");
  database.exec(old === null ? PRICES + LEGACY : FROM_VERSION_0);
  database.exec(`PRAGMA user_version = ${VERSION}`);
}

const isLocked = (error: unknown) => error instanceof Error && error.message.includes('locked');

/*
 * This build of SQLite locks with a folder, `market.db.lock`, which a killed process leaves behind.
 * Its age proves nothing (a debugger may hold its owner), so each user of the database leaves its
 * process id, and the lock is removed only when every other user is dead.
 */
const USER = /^user-(\d+)$/;

function register(file: string): void {
  const folder = path.dirname(file);
  const mine = path.join(folder, `user-${process.pid}`);
  if (existsSync(mine)) return;
  writeFileSync(mine, '');
  otherUsers(folder);
}

function removeLockOfTheDead(file: string): void {
  if (otherUsers(path.dirname(file)).length > 0) return;
  try {
    rmdirSync(`${file}.lock`);
  } catch {
    // It is gone already: its owner was only slow.
  }
}

/** The other living users of the database; what the dead left is removed. */
function otherUsers(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const pid = Number(USER.exec(name)?.[1] ?? process.pid);
    if (pid === process.pid) return [];
    if (isAlive(pid)) return [pid];
    rmSync(path.join(folder, name), { force: true });
    return [];
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
