import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sqlite, { type Database } from 'node-sqlite3-wasm';

const LOCKED_PAUSE_MS = 20;
const LOCKED_TRIES = 100;

/**
 * Opens the database, does the work in one transaction, and closes it. Another process that is at it
 * is waited for, for two seconds.
 * @param schema is executed when the file is new
 * @throws what `work` throws, after a rollback
 */
export async function inTransaction<T>(
  file: string,
  schema: string,
  work: (database: Database) => T,
): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true });
  register(file);
  for (let tries = 1; ; tries += 1) {
    try {
      return transactionNow(file, schema, work);
    } catch (error) {
      if (!isLocked(error) || tries === LOCKED_TRIES) throw error;
      removeLockOfTheDead(file);
      await delay(LOCKED_PAUSE_MS);
    }
  }
}

function transactionNow<T>(file: string, schema: string, work: (database: Database) => T): T {
  const database = new sqlite.Database(file);
  try {
    database.exec('BEGIN IMMEDIATE');
    try {
      const isNew = database.get('SELECT 1 FROM sqlite_master') === null;
      if (isNew) database.exec(schema);
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

const isLocked = (error: unknown) => error instanceof Error && error.message.includes('locked');

/*
 * This build of SQLite locks with a folder, `NAME.db.lock`, which a killed process leaves behind.
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
