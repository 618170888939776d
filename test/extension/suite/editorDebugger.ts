import * as vscode from 'vscode';
import * as z from 'zod';
import { eventually } from '../../harness/eventually.ts';

const stopped = z.object({
  type: z.literal('event'),
  event: z.literal('stopped'),
  body: z.object({ threadId: z.number() }),
});
const frames = z.object({
  stackFrames: z.array(
    z.object({
      id: z.number(),
      line: z.number(),
      source: z.object({ path: z.string().optional() }).optional(),
    }),
  ),
});
const scopes = z.object({
  scopes: z.array(z.object({ variablesReference: z.number(), expensive: z.boolean() })),
});
const variables = z.object({
  variables: z.array(z.object({ name: z.string(), value: z.string() })),
});

/** Where a session stands still. */
interface Stop {
  session: vscode.DebugSession;
  threadId: number;
}

/** The real debugger of the editor, as a person uses it. */
export class EditorDebugger {
  private stop: Stop | undefined;
  /** Not `activeDebugSession`: a busy window was seen to keep one there that had ended. */
  private readonly sessions = new Set<vscode.DebugSession>();
  private readonly listeners: vscode.Disposable[];

  constructor() {
    const { debug } = vscode;
    const tracker = debug.registerDebugAdapterTrackerFactory('*', {
      createDebugAdapterTracker: (session) => ({
        onDidSendMessage: (message: unknown) => {
          const event = stopped.safeParse(message);
          if (event.success) this.stop = { session, threadId: event.data.body.threadId };
        },
      }),
    });
    this.listeners = [
      tracker,
      debug.onDidStartDebugSession((session) => this.sessions.add(session)),
      debug.onDidTerminateDebugSession((session) => this.sessions.delete(session)),
    ];
  }

  breakAt(file: string, line: number): vscode.SourceBreakpoint {
    const place = new vscode.Location(vscode.Uri.file(file), new vscode.Position(line - 1, 0));
    const breakpoint = new vscode.SourceBreakpoint(place);
    vscode.debug.addBreakpoints([breakpoint]);
    return breakpoint;
  }

  async stopped(): Promise<Stop> {
    return eventually('the debugger to stop', () => this.stop);
  }

  /** `file:line` of the top frame. */
  async place(): Promise<{ at: string; frameId: number }> {
    const { session, threadId } = await this.stopped();
    const asked = { threadId, startFrame: 0, levels: 1 };
    const answer: unknown = await session.customRequest('stackTrace', asked);
    const [frame] = frames.parse(answer).stackFrames;
    if (frame === undefined) throw new Error('It stands still nowhere');
    const source = frame.source?.path ?? '';
    // In a remote window it is an address.
    const file = source.includes('://') ? vscode.Uri.parse(source).path : source;
    return { at: `${file}:${frame.line}`, frameId: frame.id };
  }

  /** What a variable is worth, and the scope in which it can be changed. */
  async variable(name: string): Promise<{ value: string; scope: number }> {
    const { frameId } = await this.place();
    const { session } = await this.stopped();
    const found: unknown = await session.customRequest('scopes', { frameId });
    for (const { variablesReference: scope, expensive } of scopes.parse(found).scopes) {
      if (expensive) continue;
      const read: unknown = await session.customRequest('variables', { variablesReference: scope });
      const seen = variables.parse(read).variables.find((one) => one.name === name);
      if (seen !== undefined) return { value: seen.value, scope };
    }
    throw new Error(`There is no variable ${name} in ${JSON.stringify(found)}`);
  }

  async change(name: string, value: string): Promise<void> {
    const { session } = await this.stopped();
    const { scope: variablesReference } = await this.variable(name);
    await session.customRequest('setVariable', { variablesReference, name, value });
  }

  async go(): Promise<void> {
    const { session, threadId } = await this.stopped();
    this.stop = undefined;
    await session.customRequest('continue', { threadId });
  }

  /** Whether the editor shows a breakpoint as bound, and on which line. */
  async boundLine(breakpoint: vscode.SourceBreakpoint): Promise<number | undefined> {
    const { session } = await this.stopped();
    const bound = z
      .object({ verified: z.boolean(), line: z.number().optional() })
      .optional()
      .parse(await session.getDebugProtocolBreakpoint(breakpoint));
    return bound?.verified === true ? bound.line : undefined;
  }

  async ended(): Promise<void> {
    await eventually('every session to end', () => {
      const names = [...this.sessions].map(({ name }) => name);
      if (names.length > 0) throw new Error(`${names.join(', ')}: still there`);
      return true;
    });
  }

  dispose(): void {
    for (const listener of this.listeners) listener.dispose();
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  }
}
