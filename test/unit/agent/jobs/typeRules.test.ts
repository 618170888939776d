import assert from 'node:assert/strict';
import { configSchema } from '../../../../agent/config/schema.ts';
import { needsLastCheck, rulesOf } from '../../../../agent/jobs/typeRules.ts';

const BOTH = { by: [], while: 'queued-or-running', windowMs: 0, onConflict: 'skip' };

/** The rules in force of a job type, under these switches. */
function rules(type: object, switches: object = {}) {
  const config = configSchema.parse({
    jobs: { sync: { handler: 'x', ...type } },
    deduplication: switches,
  });
  const sync = config.jobs['sync'];
  assert.ok(sync !== undefined);
  return rulesOf(sync, config.deduplication);
}

describe('the rules of a type', () => {
  it('are none without "unique", "maxConcurrent" and "monitoring"', () => {
    assert.deepEqual(rules({}), {
      ...{ unique: null, maxConcurrent: 0, lastCheck: true, removesWaiting: false },
    });
    assert.equal(needsLastCheck(rules({})), false);
  });

  it('come from the config', () => {
    const unique = { by: ['a'], while: 'window', window: '10s', onConflict: 'fail' };
    assert.deepEqual(rules({ unique, maxConcurrent: 3 }), {
      ...{ maxConcurrent: 3, lastCheck: true, removesWaiting: false },
      unique: { by: ['a'], while: 'window', windowMs: 10_000, onConflict: 'fail' },
    });
    assert.equal(needsLastCheck(rules({ maxConcurrent: 3 })), true);
  });

  it('of a monitoring type: one key for all of it, unless it has a key of its own', () => {
    const monitor = rules({ monitoring: true });
    assert.deepEqual([monitor.unique, monitor.removesWaiting], [BOTH, true]);
    const own = rules({ monitoring: true, unique: { by: ['network'] } });
    assert.deepEqual([own.unique?.by, own.removesWaiting], [['network'], true]);
  });

  it('"enabled": false takes keys away, and the aggressive ones with them', () => {
    const type = { monitoring: true, unique: { by: ['a'] }, maxConcurrent: 2 };
    assert.deepEqual(rules(type, { enabled: false }), {
      ...{ unique: null, maxConcurrent: 2, lastCheck: true, removesWaiting: false },
    });
    assert.equal(rules({ monitoring: true }, { enabled: false }).unique, null);
  });

  it('"aggressive": false takes what "monitoring" does, and leaves keys', () => {
    assert.equal(rules({ monitoring: true }, { aggressive: false }).unique, null);
    const own = rules({ monitoring: true, unique: { by: [] } }, { aggressive: false });
    assert.deepEqual([own.unique, own.removesWaiting], [BOTH, false]);
  });

  it('"stackingPrevention": false takes places and the last check, and leaves keys', () => {
    const type = { unique: { by: [] }, maxConcurrent: 2 };
    assert.deepEqual(rules(type, { stackingPrevention: false }), {
      ...{ unique: BOTH, maxConcurrent: 0, lastCheck: false, removesWaiting: false },
    });
  });
});
