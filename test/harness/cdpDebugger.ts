import { WebSocket } from 'ws';
import * as z from 'zod';
import { eventually } from './eventually.ts';

const answer = z.object({ id: z.number(), result: z.unknown().optional() });
const pausedEvent = z.object({
  method: z.literal('Debugger.paused'),
  params: z.object({ callFrames: z.array(z.looseObject({ callFrameId: z.string() })) }),
});

/** A debugger of the smallest kind: it talks to the inspector as an editor does. */
export class CdpDebugger {
  private readonly answers = new Map<number, unknown>();
  private lastId = 0;
  private frame: string | undefined;
  isClosed = false;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => this.receive(JSON.parse(data.toString('utf8'))));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => undefined);
  }

  /** @param breakAt lines, from 1, of files whose names end so */
  static async attach(url: string, breakAt: [file: string, line: number][]): Promise<CdpDebugger> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const made = new CdpDebugger(socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    await made.ask('Runtime.enable');
    await made.ask('Debugger.enable');
    for (const [file, line] of breakAt) {
      const urlRegex = `.*${file.replaceAll('.', '\\.')}`;
      await made.ask('Debugger.setBreakpointByUrl', { urlRegex, lineNumber: line - 1 });
    }
    await made.ask('Runtime.runIfWaitingForDebugger');
    return made;
  }

  async ask(method: string, params: object = {}): Promise<unknown> {
    const id = this.tell(method, params);
    await eventually(`the answer to ${method}`, () => this.answers.has(id), { everyMs: 5 });
    return this.answers.get(id);
  }

  private tell(method: string, params: object): number {
    this.lastId += 1;
    this.socket.send(JSON.stringify({ id: this.lastId, method, params }));
    return this.lastId;
  }

  /** Waits until it stands still. */
  async paused(): Promise<void> {
    await eventually('the pause', () => this.frame !== undefined);
  }

  /** What an expression is worth where it stands still. */
  async evaluate(expression: string): Promise<unknown> {
    const callFrameId = this.frame;
    const asked = { callFrameId, expression, returnByValue: true };
    const schema = z.object({ result: z.object({ value: z.unknown() }) });
    return schema.parse(await this.ask('Debugger.evaluateOnCallFrame', asked)).result.value;
  }

  /** The run may end before it is answered. */
  resume(): void {
    this.frame = undefined;
    this.tell('Debugger.resume', {});
  }

  close(): void {
    this.socket.close();
  }

  private receive(message: unknown): void {
    const answered = answer.safeParse(message);
    if (answered.success) this.answers.set(answered.data.id, answered.data.result);
    const paused = pausedEvent.safeParse(message);
    if (paused.success) this.frame = paused.data.params.callFrames[0]?.callFrameId;
  }
}
