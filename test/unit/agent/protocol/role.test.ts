import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { chooseRole, parseRole, ROLE_NAMES, rolesWith } from '../../../../agent/protocol/role.ts';

const dutiesOf = (text: string) => [...(parseRole(text)?.duties ?? [])].sort();

describe('the role of an agent', () => {
  it('decides what it may do besides looking', () => {
    assert.deepEqual(dutiesOf('api'), ['commands']);
    assert.deepEqual(dutiesOf('calls'), ['commands', 'streams']);
    assert.deepEqual(dutiesOf('worker'), ['runs']);
    assert.deepEqual(dutiesOf('scheduler'), ['schedules']);
    assert.deepEqual(dutiesOf('all'), ['commands', 'runs', 'schedules', 'simulations', 'streams']);
  });

  it('can be several, told in one order whatever order they were named in', () => {
    assert.equal(parseRole(' worker , calls,worker')?.text, 'calls,worker');
    assert.deepEqual(dutiesOf('worker,calls'), ['commands', 'runs', 'streams']);
  });

  it('is "all" when every role is named', () => {
    assert.equal(parseRole('scheduler,worker,calls,api')?.text, 'all');
    assert.equal(parseRole('all,api')?.text, 'all');
  });

  it('may do what any of its roles may', () => {
    const some = fc.subarray([...ROLE_NAMES], { minLength: 1 });
    fc.assert(
      fc.property(some, (names) => {
        const joined = parseRole(names.join(','))?.duties ?? new Set();
        for (const name of names) for (const duty of dutiesOf(name)) assert.ok(joined.has(duty));
      }),
    );
  });

  it('is the one of the flag, else of SERVICE_ROLE, else "all"', () => {
    const env = { SERVICE_ROLE: 'worker' };
    assert.equal(chooseRole('api', env).text, 'api');
    assert.equal(chooseRole(undefined, env).text, 'worker');
    assert.equal(chooseRole(undefined, { SERVICE_ROLE: '' }).text, 'all');
    assert.equal(chooseRole(undefined, {}).text, 'all');
  });

  for (const text of ['boss', 'api,boss', 'api,', ',', 'API']) {
    it(`is refused as "${text}", with the name of what set it and the roles there are`, () => {
      const refused = (from: string) => (error: unknown) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'bad_usage');
        assert.ok(error.message.startsWith(`${from} is "${text}"`), error.message);
        assert.match(error.remedy ?? '', /api, calls, worker, scheduler, all/);
        return true;
      };
      assert.throws(() => chooseRole(text, { SERVICE_ROLE: 'api' }), refused('--role'));
      assert.throws(() => chooseRole(undefined, { SERVICE_ROLE: text }), refused('SERVICE_ROLE'));
    });
  }

  it('can be found by what it has to do', () => {
    assert.deepEqual(rolesWith(['commands']), ['api', 'calls', 'all']);
    assert.deepEqual(rolesWith(['runs', 'schedules']), ['worker', 'scheduler', 'all']);
  });
});
