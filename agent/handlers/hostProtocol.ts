import * as z from 'zod';
import type { JsonValue } from '../common/json.ts';
import { decision } from '../protocol/decision.ts';

/** The channel carries JSON text, so whatever arrives is JSON: looking at each leaf again costs time for nothing. */
const json = z.custom<JsonValue>((value) => value !== undefined);

const count = z.number().int();

/** What the program of a handler process is started with, as its arguments. */
export const hostArguments = z.tuple([
  z.literal('interlock-handler'),
  z.string().meta({ description: 'job type, shown by ps' }),
  z.string().meta({ description: 'absolute path of the handler file' }),
  z.coerce.number().int().positive().meta({ description: 'silence that ends the process, ms' }),
  z.enum(['plain', 'inspect']).meta({ description: 'whether it waits for a debugger' }),
]);

/** One file of the handler's code, as it was when it was loaded. */
export const fileStamp = z.object({ path: z.string(), mtimeMs: z.number(), size: z.number() });

/** Anything thrown, in a form that crosses the channel. */
export const wireError = z.object({
  name: z.string(),
  message: z.string(),
  stack: z.string().nullable(),
  /** False when what was thrown is no Error. */
  isError: z.boolean(),
});

/** Agent to handler process. */
export const agentMessage = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('run'),
    run: count,
    jobId: z.string(),
    queue: z.string(),
    type: z.string(),
    data: z.unknown(),
    attempt: count,
    fence: z.number(),
    isReplay: z.boolean(),
    enqueuedAtMs: z.number(),
    /** `key`: what the module's `unique` says of the data, instead of a run. */
    asks: z.enum(['run', 'key']),
  }),
  z.object({ kind: z.literal('abort'), run: count, reason: z.string() }),
  z.object({ kind: z.literal('enqueued'), call: count, decision }),
  z.object({ kind: z.literal('enqueue_failed'), call: count, reason: z.string() }),
  /** The debugger is gone, and no other one is to come. */
  z.object({ kind: z.literal('close_inspector') }),
  /** Leave, now that nothing runs. */
  z.object({ kind: z.literal('stop') }),
]);

/** Handler process to agent. */
export const hostMessage = z.discriminatedUnion('kind', [
  /** The inspector listens; the handler is loaded when a debugger is there. */
  z.object({ kind: z.literal('inspector'), url: z.string() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('load_failed'), error: wireError, at: z.string().nullable() }),
  z.object({ kind: z.literal('files'), files: z.array(fileStamp) }),
  z.object({ kind: z.literal('log'), run: count, line: z.string() }),
  z.object({ kind: z.literal('progress'), run: count, value: json }),
  z.object({
    kind: z.literal('enqueue'),
    run: count,
    call: count,
    type: z.string(),
    data: json,
  }),
  z.object({ kind: z.literal('result'), run: count, value: json }),
  z.object({ kind: z.literal('result_invalid'), run: count, problem: z.string() }),
  z.object({ kind: z.literal('failed'), run: count, error: wireError }),
  /** The last word of a process that ends itself: how it ends is told by nothing else. */
  z.object({ kind: z.literal('exiting'), code: count }),
  /** Nobody caught it: the process ends next. */
  z.object({ kind: z.literal('crashed'), error: wireError }),
]);

export type FileStamp = z.infer<typeof fileStamp>;
export type WireError = z.infer<typeof wireError>;
export type AgentMessage = z.infer<typeof agentMessage>;
/** What is for the runs of a process, and not for the process. */
export type RunCommand = Exclude<AgentMessage, { kind: 'stop' | 'close_inspector' }>;
export type RunMessage = Extract<AgentMessage, { kind: 'run' }>;
export type HostMessage = z.infer<typeof hostMessage>;

/**
 * The messages of one batch that can be understood. A handler may call `process.send` itself, so
 * the rest is left out and counted, never thrown.
 */
export function parseBatch<Message>(
  schema: z.ZodType<Message>,
  received: unknown,
): { messages: Message[]; ignored: number } {
  if (!Array.isArray(received)) return { messages: [], ignored: 1 };
  const messages: Message[] = [];
  for (const item of received) {
    const parsed = schema.safeParse(item);
    if (parsed.success) messages.push(parsed.data);
  }
  return { messages, ignored: received.length - messages.length };
}
