import * as z from 'zod';
import type { HandlerContext } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';

const row = z.object({ value: z.string(), fence: z.number() }).nullable();

/**
 * Keeps what a monitor saw in place of what it saw last. A run that lost its lease comes with a lower
 * fencing token than the run after it, and changes nothing.
 * @returns what was there before, undefined when nothing was
 * @throws Error when a later run was here
 */
export async function observe<S extends z.ZodType>(
  { monitor, subject }: { monitor: string; subject: string },
  schema: S,
  value: z.infer<S>,
  { fence }: HandlerContext,
): Promise<z.infer<S> | undefined> {
  return inNotifications((database) => {
    const before = row.parse(
      database.get('SELECT value, fence FROM observations WHERE monitor = ? AND subject = ?', [
        ...[monitor, subject],
      ]),
    );
    if (before !== null && before.fence > fence) {
      throw new Error(`A later run of ${monitor} has looked at ${subject}: this one is outdated`);
    }
    database.run('INSERT OR REPLACE INTO observations VALUES (?, ?, ?, ?, ?)', [
      ...[monitor, subject, JSON.stringify(value), fence, Date.now()],
    ]);
    return before === null ? undefined : schema.parse(JSON.parse(before.value));
  });
}
