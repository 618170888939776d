import assert from 'node:assert/strict';
import nodeModule from 'node:module';
import { synchronousHooksOf } from '../../../../agent/handlers/registerTypescript.ts';

describe('the hooks of the loader', () => {
  it('are those of the same thread wherever Node has them', () => {
    const later = Object.assign(() => undefined, { registerHooks: () => undefined });
    assert.equal(synchronousHooksOf(later), later);
    assert.equal(
      synchronousHooksOf(() => undefined),
      undefined,
    );
    assert.equal(synchronousHooksOf(nodeModule) !== undefined, 'registerHooks' in nodeModule);
  });
});
