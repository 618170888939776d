import * as z from 'zod';
import { decision as decisionSchema, type Decision } from '../protocol/decision.ts';
import { remedyOf } from './remedies.ts';

/** What differs between two decisions that accept something. */
export type AcceptedFields = Pick<Decision, 'action' | 'subject' | 'key' | 'jobId'>;

/** Most decisions accept something and say nothing else: they are written short. */
const acceptedEntry = z.tuple([
  decisionSchema.shape.action,
  z.string(),
  z.string().nullable(),
  z.string().nullable(),
]);

/** Scripts write times in milliseconds, as text. */
const timeOfScript = z
  .string()
  .nullable()
  .transform((text) => (text !== null && /^\d+$/.test(text) ? isoTime(Number(text)) : text));

/** What stands in an entry; its id tells the rest. */
const decisionEntry = decisionSchema.omit({ id: true, at: true }).extend({
  holder: decisionSchema.shape.holder.default(null),
  until: timeOfScript.default(null),
  /** Left out: it follows from the rest. */
  remedy: decisionSchema.shape.remedy.optional(),
  survivor: z.object({ jobId: z.string(), state: z.string(), since: timeOfScript }).nullable(),
});

/**
 * A stream entry as a decision; undefined when it is not one of ours. When it was taken is the time
 * in its id, which is Redis' own: clocks of agents may differ.
 * @param fields name and value: `decision` with everything, or `accepted` with what differs
 */
export function parseEntry(id: string, fields: string[]): Decision | undefined {
  const [name = '', json = ''] = fields;
  return name === 'accepted' ? parseAccepted(id, json) : parseDecision(id, json);
}

export function acceptedDecision(
  id: string,
  at: string,
  { action, subject, key, jobId }: AcceptedFields,
): Decision {
  // Written out: most decisions are made here, and each spread is an object more to forget.
  return {
    id,
    at,
    action,
    subject,
    key,
    jobId,
    outcome: 'accepted',
    reason: 'within_limits',
    survivor: null,
    holder: null,
    until: null,
    remedy: null,
    counts: null,
  };
}

/** When an entry of a Redis stream was added, by its id: milliseconds since the epoch. */
export function entryTimeMs(id: string): number {
  const ms = Number(id.split('-')[0]);
  return Number.isSafeInteger(ms) ? ms : 0;
}

function parseAccepted(id: string, json: string): Decision | undefined {
  try {
    const entry = acceptedEntry.safeParse(JSON.parse(json));
    if (!entry.success) return undefined;
    const [action, subject, key, jobId] = entry.data;
    return acceptedDecision(id, isoTime(entryTimeMs(id)), { action, subject, key, jobId });
  } catch {
    return undefined;
  }
}

function parseDecision(id: string, json: string): Decision | undefined {
  try {
    const entry = decisionEntry.safeParse(JSON.parse(json));
    if (!entry.success) return undefined;
    const { remedy = remedyOf(entry.data), ...rest } = entry.data;
    return { id, at: isoTime(entryTimeMs(id)), ...rest, remedy };
  } catch {
    return undefined;
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
