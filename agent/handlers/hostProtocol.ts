import * as z from 'zod';
import type { JsonValue } from '../common/json.ts';
import { decision } from '../protocol/decision.ts';

/** The host made JSON of it before it sent it: looking at each leaf again costs time for nothing. */
const json = z.custom<JsonValue>((value) => value !== undefined);

const count = z.number().int();

const hostArguments = z.tuple([
  z.literal('interlock-handler'),
  z.string().meta({ description: 'job type, shown by ps' }),
  z.string().meta({ description: 'absolute path of the handler file' }),
  z.coerce.number().int().positive().meta({ description: 'silence that ends the process, ms' }),
  z.enum(['plain', 'inspect']).meta({ description: 'whether it waits for a debugger' }),
]);

/** What the host program is told when it is started. */
export interface HostArguments {
  jobType: string;
  file: string;
  /** A process that heard nothing from its agent for that long ends itself; a thread lives as its agent does. */
  silenceMs: number;
  /** It waits for a debugger before it loads the handler. */
  inspect: boolean;
}

/** The same as arguments of a program: `ps` shows a process with its job type. */
export function hostArgumentsOf({ jobType, file, silenceMs, inspect }: HostArguments): string[] {
  const silence = String(Math.round(silenceMs));
  return ['interlock-handler', jobType, file, silence, inspect ? 'inspect' : 'plain'];
}

/** Read by the host program. @throws ZodError when somebody else started it */
export function readHostArguments(argv: string[]): HostArguments {
  const [, jobType, file, silenceMs, mode] = hostArguments.parse(argv);
  return { jobType, file, silenceMs, inspect: mode === 'inspect' };
}

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

/** Agent to host. */
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
  /** To a thread: its inspector is attached to, so it waits for a debugger now. */
  z.object({ kind: z.literal('wait_for_debugger') }),
  /** To a process: the debugger is gone, and no other one is to come. */
  z.object({ kind: z.literal('close_inspector') }),
  /** The runs are asked to end. */
  z.object({ kind: z.literal('end_runs') }),
  /** Leave, now that nothing runs. */
  z.object({ kind: z.literal('stop') }),
]);

/** Host to agent. */
export const hostMessage = z.discriminatedUnion('kind', [
  /** A debugger may be asked for: the handler is loaded when it is there. */
  z.object({ kind: z.literal('debuggable') }),
  /** From a process: it waits for its debugger now, at this address. */
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
  /** Nobody caught it: the host ends next. */
  z.object({ kind: z.literal('crashed'), error: wireError }),
]);

export type FileStamp = z.infer<typeof fileStamp>;
export type WireError = z.infer<typeof wireError>;
export type AgentMessage = z.infer<typeof agentMessage>;
/** What is for the runs of a host, and not for the host. */
export type RunCommand = Exclude<
  AgentMessage,
  { kind: 'stop' | 'end_runs' | 'close_inspector' | 'wait_for_debugger' }
>;
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
