import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { checkRoleNeeds } from '../../../../agent/config/roleNeeds.ts';
import { configSchema } from '../../../../agent/config/schema.ts';
import { chooseRole } from '../../../../agent/protocol/role.ts';

const CONFIG = configSchema.parse({
  jobs: {
    custom: { handler: './a.ts', unique: { by: 'function' } },
    plain: { handler: './a.ts', unique: { by: ['network'] } },
  },
  schedules: { nightly: { job: 'custom', every: '1h' }, hourly: { job: 'plain', every: '1h' } },
  streams: { ticks: { url: 'ws://127.0.0.1:1', symbols: ['a'], job: 'custom' } },
});

const check = (role: string) => checkRoleNeeds(CONFIG, chooseRole(role, {}));

describe('what a role needs of the config', () => {
  for (const [role, entry] of [
    ['scheduler', 'schedules.nightly'],
    ['calls', 'streams.ticks'],
  ] as const) {
    it(`is that ${role} can enqueue what it is to enqueue: ${entry} asks a handler`, () => {
      assert.throws(
        () => check(role),
        (error: unknown) => {
          assert.ok(error instanceof InterlockError);
          assert.equal(error.code, 'bad_config');
          assert.deepEqual(error.details['entries'], [entry]);
          assert.match(error.message, new RegExp(`${entry} \\(job type custom\\)`));
          assert.match(error.remedy ?? '', new RegExp(`--role worker,${role}`));
          return true;
        },
      );
    });
  }

  it('is nothing more where handlers run, or nothing is enqueued unasked', () => {
    for (const role of ['all', 'worker', 'api', 'worker,scheduler', 'calls,worker']) check(role);
  });
});
