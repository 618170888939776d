import assert from 'node:assert/strict';
import { deprecationWarnings } from '../../../agent/deprecatedEnvironment.ts';

describe('variables that have no effect any more', () => {
  it('are told with what to set instead', () => {
    const [on] = deprecationWarnings({ ENABLE_SCHEDULERS: 'true' });
    assert.match(on ?? '', /^ENABLE_SCHEDULERS is deprecated.*SERVICE_ROLE=scheduler/);
    const [off] = deprecationWarnings({ ENABLE_SCHEDULERS: 'False' });
    assert.match(off ?? '', /^ENABLE_SCHEDULERS is deprecated.*SERVICE_ROLE=worker, api or calls/);
  });

  it('are not told where they are not set', () => {
    assert.deepEqual(deprecationWarnings({}), []);
    assert.deepEqual(deprecationWarnings({ ENABLE_SCHEDULERS: '' }), []);
  });
});
