export interface UniqueKey {
  /** BullMQ's deduplication id: the same for payloads that count as the same. */
  id: string;
  /** The id without the type: the values as JSON. */
  valuesId: string;
  /** For people: `mainnet`, or `mainnet, 5`. */
  label: string;
}

/**
 * The uniqueness key of a payload: the values at the rule's paths. A missing path counts as null;
 * objects and arrays are compared by content, whatever the order of their fields.
 */
export function uniqueKeyOf(type: string, paths: readonly string[], data: unknown): UniqueKey {
  return uniqueKeyFrom(
    type,
    paths.map((path) => valueAt(data, path)),
  );
}

/** The key that is made of these values. */
export function uniqueKeyFrom(type: string, values: readonly unknown[]): UniqueKey {
  const valuesId = canonicalJson(values);
  return {
    ...{ id: `${type}|${valuesId}`, valuesId },
    label: values.length === 0 ? '*' : values.map(labelOf).join(', '),
  };
}

/** The key of a deduplication id that `uniqueKeyFrom` made for this type; null when another made it. */
export function uniqueKeyOfId(type: string, id: string): UniqueKey | null {
  if (!id.startsWith(`${type}|[`)) return null;
  return { id, valuesId: id.slice(type.length + 1), label: labelOfDeduplicationId(id) };
}

/** The label of a deduplication id that `uniqueKeyOf` made; the id itself when another made it. */
export function labelOfDeduplicationId(id: string): string {
  const bar = id.indexOf('|');
  try {
    const values: unknown = JSON.parse(id.slice(bar + 1));
    if (bar === -1 || !Array.isArray(values)) return id;
    return values.length === 0 ? '*' : values.map(labelOf).join(', ');
  } catch {
    return id;
  }
}

/** Reads `user.id` or `items.0.sku` from a payload. @returns null when there is nothing */
export function valueAt(data: unknown, path: string): unknown {
  let value = data;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null;
    const next: unknown = Reflect.get(value, step);
    value = next;
  }
  return value ?? null;
}

/** JSON with the fields of objects in alphabetical order. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

function labelOf(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
