import { messageOf } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';

export type JsonConversion = { ok: true; value: JsonValue } | { ok: false; problem: string };

/**
 * Makes JSON of what a handler gave. Nothing becomes `null`; dates and other objects with `toJSON`
 * become what that says. What JSON would drop or refuse without a word (functions, symbols,
 * BigInt, cycles) is a problem, and the problem names the place.
 */
export function toJson(value: unknown): JsonConversion {
  if (value === undefined) return { ok: true, value: null };
  try {
    const shape = shapeOf(value, '', []);
    if (shape === 'plain' && isJson(value)) return { ok: true, value };
    if (shape !== 'plain' && shape !== 'convertible') return { ok: false, problem: shape.problem };
    const converted: unknown = JSON.parse(JSON.stringify(value));
    return { ok: true, value: isJson(converted) ? converted : null };
  } catch (error) {
    return { ok: false, problem: messageOf(error) };
  }
}

/** `plain` is JSON as it stands, `convertible` is so after one pass through JSON text. */
type Shape = 'plain' | 'convertible' | { problem: string };

function shapeOf(value: unknown, path: string, ancestors: object[]): Shape {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return 'plain';
    case 'number':
      return Number.isFinite(value) ? 'plain' : 'convertible';
    case 'undefined':
      return 'convertible';
    case 'bigint':
      return { problem: `${placeOf(path)} is a BigInt` };
    case 'function':
    case 'symbol':
      return { problem: `${placeOf(path)} is a ${typeof value}` };
    case 'object':
      return value === null ? 'plain' : shapeOfObject(value, path, ancestors);
  }
}

function shapeOfObject(value: object, path: string, ancestors: object[]): Shape {
  if ('toJSON' in value && typeof value.toJSON === 'function') return 'convertible';
  if (ancestors.includes(value)) return { problem: `${placeOf(path)} refers back to itself` };
  ancestors.push(value);
  const isArray = Array.isArray(value);
  let shape: Shape = isArray || isPlainObject(value) ? 'plain' : 'convertible';
  for (const [key, item] of Object.entries(value)) {
    const itemShape = shapeOf(item, isArray ? `${path}[${key}]` : `${path}.${key}`, ancestors);
    if (typeof itemShape === 'object') return itemShape;
    if (itemShape === 'convertible') shape = 'convertible';
  }
  ancestors.pop();
  return shape;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Only asked of what the walk found plain, or what was parsed from JSON text. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}

function placeOf(path: string): string {
  return path === '' ? 'the value' : `\`${path.replace(/^\./, '')}\``;
}
