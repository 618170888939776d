import type { Tick } from '../adapters/tick.ts';

/** Why a tick is dropped that an adapter made of what can not be JSON. */
export const NO_JSON = 'an adapter makes ticks that are no JSON';

/** @returns undefined for what can not be JSON */
export function tickJson(tick: Tick): string | undefined {
  try {
    return JSON.stringify(tick);
  } catch {
    return undefined;
  }
}
