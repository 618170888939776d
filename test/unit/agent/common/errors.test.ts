import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InterlockError, messageOf, toInterlockError } from '../../../../agent/common/errors.ts';

describe('errors', () => {
  it('have a message, whatever was thrown', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        assert.equal(typeof messageOf(thrown), 'string');
        assert.equal(toInterlockError(thrown).code, 'internal');
      }),
    );
  });

  it('pass through when they are ours', () => {
    const error = new InterlockError({ code: 'timeout', message: 'It took too long.' });
    assert.equal(toInterlockError(error), error);
  });

  it('keep what was thrown as the cause', () => {
    const cause = new TypeError('x is not a function');
    assert.equal(toInterlockError(cause).cause, cause);
  });

  it('name an error that has no message by its kind', () => {
    assert.equal(messageOf(new RangeError()), 'RangeError');
  });

  it('do not fail on what can not be written as JSON', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    assert.equal(messageOf(circle), '[object Object]');
    assert.equal(messageOf(10n), 'bigint 10');
  });
});
