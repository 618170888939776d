import assert from 'node:assert/strict';
import * as z from 'zod';
import { configJsonSchema } from '../../../../agent/config/jsonSchema.ts';
import { configSchema } from '../../../../agent/config/schema.ts';

const node: z.ZodType<SchemaNode> = z.lazy(() =>
  z.looseObject({
    type: z.string().optional(),
    description: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    properties: z.record(z.string(), node).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), node]).optional(),
  }),
);

interface SchemaNode {
  type?: string | undefined;
  description?: string | undefined;
  enum?: unknown[] | undefined;
  properties?: Record<string, SchemaNode> | undefined;
  required?: string[] | undefined;
  additionalProperties?: boolean | SchemaNode | undefined;
}

/** Follows property names; `*` is the value of a record. */
function at(...steps: string[]): SchemaNode {
  return steps.reduce((here, step) => {
    const next = step === '*' ? here.additionalProperties : here.properties?.[step];
    assert.ok(typeof next === 'object', `no ${step} of ${steps.join('.')}`);
    return next;
  }, node.parse(configJsonSchema()));
}

describe('the JSON Schema for editors', () => {
  it('has every section of the format and allows no other', () => {
    const root = at();
    assert.deepEqual(Object.keys(root.properties ?? {}), Object.keys(configSchema.shape));
    assert.equal(root.additionalProperties, false);
    assert.equal(root.required, undefined, 'every section may be left out');
  });

  it('asks only for what has no default', () => {
    assert.deepEqual(at('jobs', '*').required, ['handler']);
    assert.deepEqual(at('schedules', '*').required, ['job']);
    assert.deepEqual(at('streams', '*').required, ['url', 'symbols', 'job']);
  });

  it('completes words and explains settings', () => {
    assert.deepEqual(at('jobs', '*', 'isolation').enum, ['process', 'thread', 'inline']);
    const conflict = at('jobs', '*', 'unique', 'onConflict');
    assert.deepEqual(conflict.enum, ['skip', 'replace', 'reschedule', 'fail']);
    assert.match(at('locks').description ?? '', /age never frees/);
    assert.match(at('jobs', '*', 'unique', 'by').description ?? '', /Payload paths/);
    assert.match(at('scheduler', 'cycle').description ?? '', /Milliseconds, or text/);
  });

  it('allows what the file allows: comments and trailing commas', () => {
    const flags = z
      .object({ allowComments: z.literal(true), allowTrailingCommas: z.literal(true) })
      .safeParse(configJsonSchema());
    assert.ok(flags.success);
  });
});
