import assert from 'node:assert/strict';
import fc from 'fast-check';
import { wireError } from '../../../../agent/handlers/hostProtocol.ts';
import { toWireError } from '../../../../agent/handlers/wireErrors.ts';

describe('toWireError', () => {
  it('gives a valid message for anything thrown', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        assert.ok(wireError.safeParse(toWireError(thrown)).success);
      }),
    );
  });

  it('keeps name, message, stack and the stacks of causes', () => {
    const error = toWireError(new RangeError('outer', { cause: new TypeError('inner') }));
    assert.deepEqual([error.name, error.message, error.isError], ['RangeError', 'outer', true]);
    assert.match(error.stack ?? '', /wireErrors\.test\.ts.*Caused by: TypeError: inner/s);
  });

  it('survives an error whose properties throw', () => {
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get() {
        throw new Error('no');
      },
    });
    assert.ok(wireError.safeParse(toWireError(hostile)).success);
  });
});
