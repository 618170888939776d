import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { parseJson } from '../common/json.ts';

const scriptFrame = z.object({ params: z.object({ scriptId: z.string(), url: z.string() }) });

const pausedFrame = z.object({
  params: z.object({
    callFrames: z.array(
      z.object({ location: z.object({ scriptId: z.string(), lineNumber: z.number() }) }),
    ),
  }),
});

/** How js-debug asks for the process that it ends with SIGKILL when a person presses "Stop". */
const PROCESS_QUESTION = 'processId: process.pid';
const evaluation = z.looseObject({ params: z.looseObject({ expression: z.string() }) });

/** The thread of ours in a handler process: it is nothing for a person to look at. */
const WATCHDOG = 'handlerWatchdog.js';

/** `at`: `path:line`, lines from 1. */
export type InspectorNews = { kind: 'paused'; at: string } | { kind: 'resumed' };

/**
 * Reads what an inspector tells a debugger (Chrome DevTools Protocol), as far as it says where the
 * main thread is. Almost all frames are about something else, and are not parsed.
 */
export class CdpFrames {
  private readonly files = new Map<string, string>();

  /** @returns undefined for what is not about a pause */
  read(frame: string): InspectorNews | undefined {
    if (frame.startsWith('{"method":"Debugger.scriptParsed"')) this.noteScript(frame);
    if (frame.startsWith('{"method":"Debugger.resumed"')) return { kind: 'resumed' };
    if (!frame.startsWith('{"method":"Debugger.paused"')) return undefined;
    const top = pausedFrame.safeParse(parseJson(frame)).data?.params.callFrames[0]?.location;
    const file = this.files.get(top?.scriptId ?? '') ?? 'code without a file';
    return { kind: 'paused', at: `${file}:${(top?.lineNumber ?? 0) + 1}` };
  }

  /**
   * A frame of the debugger, as the inspector gets it: it is not told the process. What becomes of the
   * run is for a person to choose, and for the agent to do.
   */
  toInspector(frame: string): string {
    if (!frame.includes(PROCESS_QUESTION)) return frame;
    const asked = evaluation.safeParse(parseJson(frame)).data;
    if (asked === undefined) return frame;
    return JSON.stringify({ ...asked, params: { ...asked.params, expression: 'undefined' } });
  }

  /** Whether a frame of the inspector is for the debugger. */
  concernsDebugger(frame: string): boolean {
    return !(
      frame.startsWith('{"method":"NodeWorker.attachedToWorker"') && frame.includes(WATCHDOG)
    );
  }

  private noteScript(frame: string): void {
    const script = scriptFrame.safeParse(parseJson(frame)).data?.params;
    if (script?.url.startsWith('file:') !== true) return;
    this.files.set(script.scriptId, fileURLToPath(script.url.replace(/[?#].*$/, '')));
  }
}
