import * as z from 'zod';
import type { StreamAdapter } from './adapter.ts';
import { parseJson, shorten } from './jsonValue.ts';
import { isTick, isTickList, tick, type Tick } from './tick.ts';

const ticks = z.array(tick);

/** A frame about the conversation, such as `{"op":"subscribed"}`: there is no tick in it. */
const talk = z.object({ op: z.string(), price: z.never().optional() });

/** The default: subscribes with `{"op":"subscribe","symbols":[…]}` and takes ticks as JSON. */
export const jsonAdapter: StreamAdapter = {
  sendsTicksAsJson: true,
  subscribe: (symbols) => [JSON.stringify({ op: 'subscribe', symbols })],
  unsubscribe: (symbols) => [JSON.stringify({ op: 'unsubscribe', symbols })],
  parse(frame) {
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString('utf8');
    const value = parseJson(text);
    if (isTick(value)) return [value];
    if (isTickList(value)) return value;
    const parsed = ticks.safeParse(Array.isArray(value) ? value : [value]);
    if (parsed.success) return parsed.data;
    if (talk.safeParse(value).success) return [];
    throw new Error(`Not a tick: ${describe(parsed.error)}; got ${shorten(text)}`);
  },
};

function describe(error: z.ZodError<Tick[]>): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'unknown';
  const field = issue.path.slice(1).join('.');
  return field === '' ? issue.message : `${field}: ${issue.message}`;
}
