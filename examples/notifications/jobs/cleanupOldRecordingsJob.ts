import { rmSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { asOf, DAY_MS } from './asOf.ts';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';

const FOLDER = fileURLToPath(new URL('../data/recordings/', import.meta.url));

const payload = z.object({ days: z.number().positive().default(30), now: asOf });

const oldRows = z.array(z.object({ id: z.string(), file: z.string() }));

/**
 * Removes recordings that are older than some days. The file goes first and then its row: a run that
 * ends in between leaves a row, and the next run finds it.
 */
export default async function cleanupOldRecordingsJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const before = parsed.data.now - parsed.data.days * DAY_MS;
  const old = await inNotifications((database) =>
    oldRows.parse(
      database.all('SELECT id, file FROM recordings WHERE recorded_at < ? ORDER BY id', before),
    ),
  );
  for (const [index, { id, file }] of old.entries()) {
    context.signal.throwIfAborted();
    rmSync(path.join(FOLDER, file), { force: true });
    await inNotifications((database) => database.run('DELETE FROM recordings WHERE id = ?', id));
    await context.progress(Math.round((100 * (index + 1)) / old.length));
  }
  return { status: 'cleaned', removed: old.length };
}
