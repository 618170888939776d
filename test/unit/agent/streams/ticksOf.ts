import * as z from 'zod';
import { tick, type Tick } from '../../../../agent/streams/adapters/tick.ts';
import type { TickRun } from '../../../../agent/streams/pipeline/tickRun.ts';

/** What a handler would get. */
export function ticksOf({ json }: Pick<TickRun, 'json'>): Tick[] {
  return z.array(tick).parse(JSON.parse(`[${json}]`));
}
