import assert from 'node:assert/strict';
import { errorDocument } from '../cli/errorDocument.ts';
import { RuleBench } from './ruleBench.ts';

const BY_FUNCTION = { queue: 'held', unique: { by: 'function' } };

const CONFIG = {
  jobs: {
    ts: { ...BY_FUNCTION, handler: './jobs/keyed.ts' },
    cjs: { ...BY_FUNCTION, handler: './jobs/keyed.cjs' },
    inline: { ...BY_FUNCTION, handler: './jobs/keyed.ts', isolation: 'inline' },
    missing: { ...BY_FUNCTION, handler: './jobs/gated.ts' },
    notFunction: { ...BY_FUNCTION, handler: './jobs/notFunction.ts' },
    odd: { ...BY_FUNCTION, handler: './jobs/odd.ts' },
    past: { unique: { by: 'function' }, handler: './jobs/keyed.ts' },
  },
};

const FILES = {
  'jobs/keyed.ts': `import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
type Payload = { email?: string; gate?: string };
export async function unique(data: Payload): Promise<string | null> {
  await delay(1);
  return data.email === undefined ? null : data.email.toLowerCase().replace(/\\+.*@/, '@');
}
export default async (job: { data: Payload }) => {
  while (job.data.gate !== undefined && !existsSync('gates/' + job.data.gate)) await delay(10);
  return null;
};
`,
  'jobs/keyed.cjs': `exports.unique = (data) => [data.a % 2, { half: Math.floor(data.b / 2) }];
exports.default = async () => null;
`,
  'jobs/notFunction.ts': `export const unique = 'email';
export default async () => null;
`,
  'jobs/odd.ts': `export function unique(data: { how: string }): unknown {
  if (data.how === 'throws') throw new TypeError('no email in the payload');
  return data.how === 'nothing' ? undefined : () => 'x';
}
export default async () => null;
`,
};

describe('a rule of its own: the function `unique` of a handler module', function () {
  let bench: RuleBench;

  before(async () => {
    bench = await RuleBench.start(CONFIG, FILES);
    await bench.pause('held');
  });
  after(() => bench.stop());

  for (const type of ['ts', 'inline']) {
    it(`says which payloads are the same (${type})`, async () => {
      const first = await bench.enqueue(type, { email: 'Ann+news@x.org' });
      const second = await bench.enqueue(type, { email: 'ann@X.org' });
      assert.deepEqual([first.outcome, first.key], ['accepted', 'ann@x.org']);
      assert.deepEqual([second.outcome, second.survivor?.jobId], ['already_queued', first.jobId]);
      const other = await bench.enqueueNow(type, { email: 'bob@x.org' });
      assert.equal(other.outcome, 'accepted');
    });

    it(`says by null that a job is not unique (${type})`, async () => {
      for (const decision of await bench.enqueueMany(type, 2, { to: 'nobody' }))
        assert.deepEqual([decision.outcome, decision.key], ['accepted', null]);
    });
  }

  it('may be CommonJS, and return any JSON', async () => {
    const first = await bench.enqueue('cjs', { a: 1, b: 4 });
    const second = await bench.enqueueNow('cjs', { a: 3, b: 5 });
    assert.deepEqual([first.outcome, first.key], ['accepted', '[1,{"half":2}]']);
    assert.equal(second.survivor?.jobId, first.jobId);
    assert.equal((await bench.enqueueNow('cjs', { a: 1, b: 6 })).outcome, 'accepted');
  });

  for (const [type, how, message] of [
    ['missing', '', /gated\.ts.*exports no function "unique"/],
    ['notFunction', '', /notFunction\.ts.*exports no function "unique"/],
    ['odd', 'throws', /odd\.ts.*no email in the payload/],
    ['odd', 'function', /odd\.ts.*not JSON|JSON/],
  ] as const) {
    it(`that can not be used is told with its file: ${type} ${how}`, async () => {
      const { code, json } = await bench.ask(errorDocument, type, { how });
      assert.equal(code, 1);
      assert.match(json.error.message, message);
    });
  }

  it('that returns nothing says the same as by null', async () => {
    assert.equal((await bench.enqueueNow('odd', { how: 'nothing' })).key, null);
  });

  it('holds before a run too, for jobs that came in past it', async () => {
    const queue = bench.plainQueue('default');
    const data = { email: 'Eve@x.org', gate: 'past' };
    await queue.add('past', data, { jobId: 'past-1' });
    await bench.inState('past-1', 'active');
    await queue.add('past', { ...data, email: 'eve@x.org' }, { jobId: 'past-2' });
    const { result } = await bench.inState('past-2', 'completed');
    assert.deepEqual(result, {
      ...{ status: 'skipped', reason: 'concurrent_execution_detected', survivor: 'past-1' },
    });
    bench.open('past');
    await bench.inState('past-1', 'completed');
  });
});
