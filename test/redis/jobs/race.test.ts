import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore } from '../leases/core.ts';

const RACE_PROCESS = fileURLToPath(new URL('./raceProcess.ts', import.meta.url));
const PROCESSES = 4;
const ATTEMPTS = 500;
const KEYS = 20;
const LIMIT = 7;

const CONFIG = {
  jobs: {
    keyed: { handler: 'x', unique: { by: ['key'] } },
    limited: { handler: 'x', queue: 'limited', maxConcurrent: LIMIT },
    both: { handler: 'x', queue: 'both', unique: { by: ['key'] }, maxConcurrent: LIMIT },
  },
};

const raceEnd = z.object({ accepted: z.array(z.string()), refused: z.number() });

describe('a race of several processes', function () {
  let server: TestRedis;
  let racers: ChildProcess[] = [];

  before(async () => {
    server = await startTestRedis();
    racers = Array.from({ length: PROCESSES }, () =>
      fork(RACE_PROCESS, [server.url, server.prefix, JSON.stringify(CONFIG)], {
        execArgv: ['--import', 'tsx'],
      }),
    );
    await Promise.all(racers.map((racer) => once(racer, 'message')));
  });
  after(async () => {
    for (const racer of racers) racer.kill('SIGKILL');
    await server.stop();
  });

  for (const [type, queue, expected] of [
    ['keyed', 'default', KEYS],
    ['limited', 'limited', LIMIT],
    ['both', 'both', LIMIT],
  ] as const) {
    it(`lets in exactly what the rule of "${type}" allows, and refuses all else by name`, async () => {
      const core = makeCore(server, { config: CONFIG });
      const ends = await race({ type, attempts: ATTEMPTS, keys: KEYS });
      const accepted = ends.flatMap((end) => end.accepted);
      const refused = ends.reduce((sum, end) => sum + end.refused, 0);
      assert.equal(accepted.length, expected);
      assert.equal(refused, PROCESSES * ATTEMPTS - expected);
      const waiting = await core.queues.get(queue).getWaiting();
      assert.deepEqual(waiting.map((job) => job.id ?? '').sort(), accepted.sort());
      const recorded = (await core.recorded()).filter((one) => one.subject === type);
      assert.equal(recorded.length, PROCESSES * ATTEMPTS);
      const survivors = recorded.flatMap((one) => one.survivor?.jobId ?? []);
      assert.equal(survivors.length, refused);
      assert.ok(survivors.every((id) => accepted.includes(id)));
    });
  }

  function race(plan: object) {
    const ends = racers.map(async (racer) => raceEnd.parse((await once(racer, 'message'))[0]));
    for (const racer of racers) racer.send(plan);
    return Promise.all(ends);
  }
});
