import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { partOf, type OpenPart } from './part.ts';

const optionsSchema = z.object({ lock: z.string(), ttlMs: z.number().int() });

/**
 * A worker with a lock that ends by itself, `SET NX PX`, and no fencing token: it looks whether it has
 * the lock, and then writes. The resource can not tell whose write it is.
 */
export const openNaiveHolder: OpenPart = ({ redis, log }, raw) => {
  const { lock, ttlMs } = optionsSchema.parse(raw);
  const token = randomUUID();
  let run = 0;
  return Promise.resolve(
    partOf({
      /** @returns whether the lock is ours now */
      acquire: async () => {
        if ((await redis.set(lock, token, 'PX', ttlMs, 'NX')) === null) return false;
        run = await log.nextRun();
        await log.tell(`takes the lock for ${ttlMs} ms, run ${run} starts`, {
          fact: { kind: 'run_started', run, fence: null },
        });
        return true;
      },
      /** @returns whether the lock is ours still: true means that it will write */
      look: async () => {
        const mine = (await redis.get(lock)) === token;
        if (mine) await log.tell(`run ${run} looks: it has the lock, so it is going to write`);
        return mine;
      },
      write: () => log.write(run, null),
    }),
  );
};
