import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { InterlockError } from '../../../agent/common/errors.ts';
import { JsonText } from '../../../agent/common/json.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';

const SCHEMA = {
  type: 'object',
  properties: { network: { enum: ['mainnet', 'testnet'] }, depth: { type: 'integer', default: 5 } },
  required: ['network'],
};
const problems = z.array(z.object({ path: z.string(), value: z.unknown() }));
const MOON = { network: 'moon' };

describe('a payload that does not fit the schema of its type', () => {
  let server: TestRedis;
  let folder: TemporaryFolder;
  let core: Core;

  before(async () => {
    server = await startTestRedis();
    folder = makeTemporaryFolder();
    writeFileSync(path.join(folder.path, 'chain.json'), JSON.stringify(SCHEMA));
  });
  after(async () => {
    await server.stop();
    folder.remove();
  });
  beforeEach(async () => {
    const schema = path.join(folder.path, 'chain.json');
    const chain = { handler: 'x', schema, unique: { by: ['network'] } };
    core = makeCore(server, { config: { jobs: { chain, plain: { handler: 'x' } } } });
    await server.flush();
  });

  const refused = (ask: Promise<unknown>) =>
    assert.rejects(ask, (error) => {
      assert.ok(error instanceof InterlockError);
      assert.equal(error.code, 'payload_invalid');
      assert.match(
        error.message,
        /job type chain:\n {2}network = "moon": expected one of "mainnet"\|"testnet"\.$/,
      );
      assert.match(error.remedy ?? '', /chain\.json/);
      const [problem] = problems.parse(error.details['problems']);
      assert.deepEqual(problem, { path: 'network', value: 'moon' });
      return true;
    });
  const jobs = () => core.queues.get('default').getJobCountByTypes('waiting', 'delayed');

  it('is refused, recorded, and no job is made of it', async () => {
    await refused(core.enqueuer.enqueue({ type: 'chain', data: MOON }));
    await refused(
      core.enqueuer.enqueue({ type: 'chain', data: new JsonText('{"network":"moon"}') }),
    );
    assert.equal(await jobs(), 0);
    const recorded = await core.recorded();
    assert.deepEqual(
      recorded.map(({ action, subject, outcome, reason }) => [action, subject, outcome, reason]),
      Array.from({ length: 2 }, () => ['enqueue', 'chain', 'refused', 'invalid_payload']),
    );
    assert.match(recorded[0]?.remedy ?? '', /network = "moon"/);
  });

  it('is left to the scheduler to be recorded, when it is one of a slot', async () => {
    await refused(core.enqueuer.enqueue({ type: 'chain', data: MOON, action: 'schedule' }));
    assert.deepEqual(await core.recorded(), []);
  });

  it('is refused when a job is run again with it, and taken when it fits', async () => {
    const data = { network: 'mainnet', more: true };
    const { jobId } = await core.enqueuer.enqueue({ type: 'chain', data });
    const job = await core.queues.get('default').getJob(jobId ?? '');
    // As it was written: a default of the schema is no part of it.
    assert.deepEqual(job?.data, data);
    await refused(core.actions.rerun({ id: jobId ?? '' }, MOON));
    assert.equal(await jobs(), 1);
    const again = await core.actions.rerun({ id: jobId ?? '' }, { network: 'testnet' });
    assert.equal(again.outcome, 'accepted');
  });

  it('does not concern a type without a schema', async () => {
    const { outcome } = await core.enqueuer.enqueue({ type: 'plain', data: MOON });
    assert.equal(outcome, 'accepted');
  });
});
