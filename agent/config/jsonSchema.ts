import * as z from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema of `interlock.config.json`, for editors. Generated, so that it can not drift. */
export function configJsonSchema(): unknown {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return { ...schema, allowComments: true, allowTrailingCommas: true };
}
