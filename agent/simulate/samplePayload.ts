import type { JsonValue } from '../common/json.ts';

/** The value that every attempt has in common. */
export const SAMPLE_VALUE = 'interlock-simulation';

/** A payload with a value at each path of a uniqueness rule: the same key for every attempt. */
export function samplePayload(paths: string[]): JsonValue {
  const payload: Record<string, JsonValue> = {};
  for (const path of paths) setAt(payload, path.split('.'));
  return payload;
}

function setAt(target: Record<string, JsonValue>, [step = '', ...rest]: string[]): void {
  if (rest.length === 0) {
    target[step] ??= SAMPLE_VALUE;
    return;
  }
  const known = target[step];
  const inner = typeof known === 'object' && known !== null && !Array.isArray(known) ? known : {};
  target[step] = inner;
  setAt(inner, rest);
}
