import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { uniqueKeyOf, valueAt } from '../../../../agent/jobs/uniqueKey.ts';
import { samplePayload } from '../../../../agent/simulate/samplePayload.ts';

describe('the payload of a race', () => {
  it('has a value at each path of the rule', () => {
    const payload = samplePayload(['network', 'user.id', 'user.name']);
    assert.deepEqual(payload, {
      network: 'interlock-simulation',
      user: { id: 'interlock-simulation', name: 'interlock-simulation' },
    });
    assert.deepEqual(samplePayload([]), {});
  });

  it('has one for every rule whose paths do not end in one another', () => {
    const name = fc.stringMatching(/^[a-z]{1,4}$/);
    const paths = fc.uniqueArray(
      fc.array(name, { minLength: 2, maxLength: 2 }).map((p) => p.join('.')),
    );
    fc.assert(
      fc.property(paths, (by) => {
        const payload = samplePayload(by);
        for (const path of by) assert.equal(valueAt(payload, path), 'interlock-simulation');
        assert.equal(uniqueKeyOf('t', by, payload).id, uniqueKeyOf('t', by, samplePayload(by)).id);
      }),
    );
  });
});
