import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ResponseError } from 'vscode-jsonrpc/node';
import * as z from 'zod';
import { ERROR_CODES, InterlockError } from '../../../../agent/common/errors.ts';
import { fromResponseError, toResponseError } from '../../../../agent/protocol/rpcErrors.ts';

describe('errors on the wire', () => {
  it('arrive as they were sent, without stack and cause', () => {
    // zod leaves "__proto__" out of a record on purpose: it is no name of a fact.
    const fieldName = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__');
    const error = fc.record(
      {
        code: fc.constantFrom(...ERROR_CODES),
        message: fc.string(),
        remedy: fc.string(),
        details: fc.dictionary(fieldName, fc.string(), { noNullPrototype: true }),
      },
      { requiredKeys: ['code', 'message'] },
    );
    fc.assert(
      fc.property(error, (fields) => {
        const sent = toResponseError(new InterlockError({ ...fields, cause: new Error('secret') }));
        const { code, message, data } = sent.toJson();
        const wire = JSON.stringify({ code, message, data });
        assert.ok(!wire.includes('secret') || JSON.stringify(fields).includes('secret'));
        const received = z.object({ data: z.unknown() }).parse(JSON.parse(wire));
        const got = fromResponseError(new ResponseError(code, message, received.data));
        assert.deepEqual(
          [got.code, got.message, got.remedy],
          [fields.code, fields.message, fields.remedy],
        );
        assert.deepEqual(got.details, fields.details ?? {});
      }),
    );
  });

  it('of another peer become internal, with their message', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (data, message) => {
        const got = fromResponseError(new ResponseError(-32000, message, data));
        assert.deepEqual([got.code, got.message], ['internal', message]);
      }),
    );
  });

  it('have the number of JSON-RPC where there is one', () => {
    const numberOf = (code: 'bad_params' | 'timeout') =>
      toResponseError(new InterlockError({ code, message: 'x' })).code;
    assert.deepEqual([numberOf('bad_params'), numberOf('timeout')], [-32602, -32000]);
  });
});
