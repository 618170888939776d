import { readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf } from '../common/errors.ts';
import type { ConfigProblem } from './configProblem.ts';
import { problemsOf } from './problemsOf.ts';
import type { Config, JobTypeConfig } from './schema.ts';

/** Keywords that say something of one type of value only. */
const OF_ONE_TYPE = [
  ...['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties'],
  ...['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'],
  ...['minLength', 'maxLength', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
];
/** What says by itself which values fit. */
const SAYS_ITSELF = ['type', 'enum', 'const', '$ref'];
/** Keywords with schemas by name, and with one schema or several. */
const NAMED_SCHEMAS = ['properties', 'patternProperties', '$defs', 'definitions'];
const SCHEMAS = ['items', 'prefixItems', 'additionalItems', 'additionalProperties', 'contains'];
const CHOICES = ['anyOf', 'oneOf', 'allOf'];

/** What the payload itself is called among its problems. */
export const WHOLE_PAYLOAD = '(payload)';

const node = z.record(z.string(), z.unknown());
const list = z.array(z.unknown());
const names = z.array(z.string()).catch([]);

/** The schema of the payloads of a job type, as its file says now. */
export class PayloadSchema {
  private readAs: { check: z.ZodType; mtimeMs: number | undefined };

  /** @throws Error that says why the file is no JSON Schema that payloads can be checked with */
  constructor(readonly file: string) {
    this.readAs = this.read();
  }

  /** What of a payload does not fit. A file that is being written now counts as it was before. */
  problems(payload: unknown): ConfigProblem[] {
    if (mtimeOf(this.file) !== this.readAs.mtimeMs) this.readAgain();
    const { error } = this.readAs.check.safeParse(payload);
    if (error === undefined) return [];
    const found = problemsOf(error.issues, payload, WHOLE_PAYLOAD, 'no such field is allowed here');
    return found.map(({ expected, ...rest }) => ({ ...rest, expected: shortened(expected) }));
  }

  private read(): PayloadSchema['readAs'] {
    const mtimeMs = mtimeOf(this.file);
    const text = readFileSync(this.file, 'utf8').replace(/^\uFEFF/, '');
    const schema = node.safeParse(JSON.parse(text));
    if (!schema.success) throw new Error('it is no object');
    return { check: z.fromJSONSchema(enforced(schema.data, '#')), mtimeMs };
  }

  private readAgain(): void {
    try {
      this.readAs = this.read();
    } catch {
      // The next config check says what is wrong with it.
      this.readAs = { ...this.readAs, mtimeMs: mtimeOf(this.file) };
    }
  }
}

/** Why a file is no such schema; undefined when it is one. */
export function payloadSchemaTrouble(file: string): string | undefined {
  try {
    new PayloadSchema(file);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Schema files are named as seen from the workspace. */
export function withSchemaFilesIn(folder: string, config: Config): Config {
  const jobs = Object.entries(config.jobs).map(([name, type]): [string, JobTypeConfig] => {
    const { schema } = type;
    return [name, schema === undefined ? type : { ...type, schema: path.resolve(folder, schema) }];
  });
  return { ...config, jobs: Object.fromEntries(jobs) };
}

/**
 * The schema with nothing in it that would be passed over in silence: without a "type" beside them
 * keywords have no effect, and neither has "required" for a name that "properties" does not have.
 * @throws Error for what can not be helped
 */
function enforced(schema: Record<string, unknown>, at: string): Record<string, unknown> {
  const idle = OF_ONE_TYPE.find((keyword) => Object.hasOwn(schema, keyword));
  if (idle !== undefined && !SAYS_ITSELF.some((keyword) => Object.hasOwn(schema, keyword)))
    throw new Error(`"${idle}" at ${at} has no effect without "type" beside it`);
  const copy = { ...schema };
  const inner = (value: unknown, place: string): unknown => {
    const several = list.safeParse(value);
    if (several.success) return several.data.map((one, index) => inner(one, `${place}/${index}`));
    const parsed = node.safeParse(value);
    return parsed.success ? enforced(parsed.data, place) : value;
  };
  for (const keyword of NAMED_SCHEMAS) {
    const named = node.safeParse(schema[keyword]);
    if (!named.success) continue;
    copy[keyword] = Object.fromEntries(
      Object.entries(named.data).map(([name, one]) => [
        name,
        inner(one, `${at}/${keyword}/${name}`),
      ]),
    );
  }
  for (const keyword of [...SCHEMAS, ...CHOICES])
    if (Object.hasOwn(schema, keyword)) copy[keyword] = inner(schema[keyword], `${at}/${keyword}`);
  const rest = node.safeParse(copy['additionalProperties']).data ?? {};
  const required = names.parse(schema['required']).map((name) => [name, rest]);
  if (required.length > 0)
    copy['properties'] = {
      ...Object.fromEntries(required),
      ...node.safeParse(copy['properties']).data,
    };
  return copy;
}

/** Zod begins with what kind of mistake it is: "Invalid input: expected string, received number". */
function shortened(expected: string): string {
  return expected
    .replace(/(^|, or |: )(Invalid|Too) \w+: /g, '$1')
    .replace('expected nonoptional', 'expected a value');
}

function mtimeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}
