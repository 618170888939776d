import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { parseConfig } from '../../../../agent/config/load.ts';
import { PayloadSchema } from '../../../../agent/config/payloadSchema.ts';
import { payloadTextProblems } from '../../../../agent/jobs/payloadText.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../../harness/temporaryFolder.ts';
import { assertProblem, refusal } from './configFixture.ts';

const CHAIN = {
  type: 'object',
  properties: {
    network: { enum: ['mainnet', 'testnet'] },
    depth: { type: 'integer', minimum: 1 },
    steps: { type: 'array', items: { type: 'object', properties: { to: { type: 'string' } } } },
    by: { anyOf: [{ type: 'string' }, { type: 'null' }] },
  },
  required: ['network'],
  additionalProperties: false,
};

describe('the schema of payloads', () => {
  let folder: TemporaryFolder;
  let file: string;

  beforeEach(() => {
    folder = makeTemporaryFolder();
    file = path.join(folder.path, 'schemas', 'chain.json');
    mkdirSync(path.dirname(file));
    writeFileSync(path.join(folder.path, 'handler.js'), '');
    write(CHAIN);
  });
  afterEach(() => folder.remove());

  const write = (schema: unknown) =>
    writeFileSync(file, typeof schema === 'string' ? schema : JSON.stringify(schema));
  const parse = (more: object = {}) => {
    const chain = { handler: './handler.js', schema: './schemas/chain.json' };
    const text = JSON.stringify({ jobs: { chain }, ...more });
    return parseConfig(text, 'interlock.config.json', folder.path);
  };
  const lines = (payload: unknown) =>
    new PayloadSchema(file)
      .problems(payload)
      .map((one) => `${one.path} = ${JSON.stringify(one.value)}: ${one.expected}`);

  it('is found from the workspace', () => assert.equal(parse().jobs['chain']?.schema, file));

  it('names the path, the value and what would fit, of each problem', () => {
    assert.deepEqual(lines({ network: 'mainnet', depth: 3, by: null, steps: [{ to: 'x' }] }), []);
    assert.deepEqual(lines({ network: 'moon', depth: 0.5, more: 1, by: 5, steps: [{ to: 7 }] }), [
      'network = "moon": expected one of "mainnet"|"testnet"',
      'depth = 0.5: expected int, received number',
      'steps.0.to = 7: expected string, received number',
      'by = 5: expected string, received number, or expected null, received number',
      'more = 1: no such field is allowed here',
    ]);
    assert.deepEqual(lines({}), ['network = undefined: expected one of "mainnet"|"testnet"']);
    assert.deepEqual(lines('x'), ['(payload) = "x": expected object, received string']);
  });

  it('holds what is required though nothing else is said of it', () => {
    write({ type: 'object', required: ['network'] });
    assert.deepEqual(lines({}), ['network = undefined: expected a value, received undefined']);
    assert.deepEqual(lines({ network: 1 }), []);
  });

  it('follows its file, and keeps what it had while that can not be read', () => {
    const schema = new PayloadSchema(file);
    write('{ "type":');
    utimesSync(file, 1, 1);
    assert.equal(schema.problems({ network: 'moon' }).length, 1);
    write({ type: 'object' });
    utimesSync(file, 2, 2);
    assert.equal(schema.problems({ network: 'moon' }).length, 0);
  });

  for (const [what, schema, expected] of [
    ['is no JSON', '{', /JSON/],
    ['is no object', '[]', /no object/],
    ['has an unknown type', { type: 'objekt' }, /Unsupported type: objekt/],
    ['refers to another file', { $ref: 'other.json' }, /External \$ref/],
    ['has a condition', { type: 'object', if: {} }, /if\/then\/else/],
    [
      'has keywords without effect',
      { type: 'object', properties: { user: { properties: { id: { type: 'string' } } } } },
      /"properties" at #\/properties\/user has no effect without "type"/,
    ],
  ] as const) {
    it(`is a config error when the file ${what}`, () => {
      write(schema);
      const error = refusal(parse);
      assertProblem(error, 'jobs.chain.schema', './schemas/chain.json', /a JSON Schema that/);
      assert.match(error.message, expected);
    });
  }

  it('is a config error when the file is missing', () => {
    rmSync(file);
    const expected = /a file that exists: there is none at /;
    assertProblem(refusal(parse), 'jobs.chain.schema', './schemas/chain.json', expected);
  });

  it('holds for the payload of a schedule, as a config error', () => {
    const of = (data: object) => () =>
      parse({ schedules: { often: { job: 'chain', every: '1m', ...data } } });
    assert.equal(of({ data: { network: 'mainnet' } })().schedules['often']?.job, 'chain');
    const wrong = refusal(of({ data: { network: 'moon' } }));
    assertProblem(wrong, 'schedules.often.data.network', 'moon', /expected one of "mainnet"/);
    assertProblem(refusal(of({})), 'schedules.often.data.network', undefined, /expected one of/);
  });

  it('tells an editor which part of a text to mark', () => {
    const { jobs } = parse();
    const marked = (text: string) =>
      payloadTextProblems({ jobs }, 'chain', text).map(({ offset, length, message }) => [
        text.slice(offset, offset + length),
        message.split(':')[0],
      ]);
    assert.deepEqual(marked('{ "network": "moon", "steps": [{ "to": 7 }], "more": 1 }'), [
      ['"moon"', 'network'],
      ['7', 'steps.0.to'],
      ['1', 'more'],
    ]);
    assert.deepEqual(marked('{ "depth": 1 }'), [['{', 'network']]);
    assert.deepEqual(marked('"x"'), [['"x"', '(payload)']]);
    assert.deepEqual(marked('{ "network": '), []);
    assert.deepEqual(payloadTextProblems({ jobs }, 'other', '{}'), []);
  });
});
