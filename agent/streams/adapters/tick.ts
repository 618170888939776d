import * as z from 'zod';

/** One price, as a feed sends it. Other fields of the feed are kept; `seq` and `ts` may be absent. */
export const tick = z
  .object({
    symbol: z.string().min(1),
    price: z.number(),
    /** Grows by one per symbol, when the feed numbers its ticks. */
    seq: z.number().int().optional(),
    /** Time of the tick as the feed tells it. */
    ts: z.union([z.number(), z.string()]).optional(),
  })
  .catchall(z.json());

export type Tick = z.infer<typeof tick>;

/**
 * The same answer as the schema above, several times as fast: for values from `JSON.parse` that come
 * 100,000 times a second. The schema explains what this refuses; a test holds the two together.
 */
export function isTick(value: unknown): value is Tick {
  if (!isObject(value)) return false;
  let hasSymbol = false;
  let hasPrice = false;
  for (const name in value) {
    const field = value[name];
    switch (name) {
      case 'symbol':
        if (typeof field !== 'string' || field === '') return false;
        hasSymbol = true;
        break;
      case 'price':
        if (!Number.isFinite(field)) return false;
        hasPrice = true;
        break;
      case 'seq':
        if (field !== undefined && !Number.isSafeInteger(field)) return false;
        break;
      case 'ts':
        if (field !== undefined && typeof field !== 'string' && !Number.isFinite(field)) {
          return false;
        }
        break;
      default:
        if (!isJson(field)) return false;
    }
  }
  return hasSymbol && hasPrice;
}

/** As `isTick`, for an array. */
export function isTickList(value: unknown): value is Tick[] {
  return Array.isArray(value) && value.every(isTick);
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return !hasHoles(value) && value.every(isJson);
  return isPlain(value) && Object.values(value).every(isJson);
}

/** `every` passes over them. */
const hasHoles = (list: unknown[]): boolean => Object.keys(list).length < list.length;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A Date or a Map is no JSON, although it is an object without fields. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
