/** A handler of each kind that can be debugged, each with a breakpoint's line where `sum` is known. */
export interface DebugHandler {
  type: string;
  /** What is loaded. */
  handler: string;
  /** Left out, it is a process. */
  isolation?: 'thread';
  /** Where the breakpoint is set. */
  source: string;
  /** From 1. */
  line: number;
}

export const DEBUG_HANDLERS: readonly DebugHandler[] = [
  { type: 'debug_esm', handler: './debug/esm.ts', source: 'debug/esm.ts', line: 5 },
  { type: 'debug_common', handler: './debug/common.cts', source: 'debug/common.cts', line: 4 },
  { type: 'debug_plain', handler: './debug/plain.js', source: 'debug/plain.js', line: 3 },
  {
    ...{ type: 'debug_compiled', handler: './debug/compiled/dist/handler.js' },
    ...{ source: 'debug/compiled/src/handler.ts', line: 8 },
  },
  {
    ...{ type: 'debug_linked', handler: './debug/linked.ts' },
    ...{ source: 'packages/sums/index.ts', line: 4 },
  },
  {
    ...{ type: 'debug_thread', handler: './debug/esm.ts', isolation: 'thread' },
    ...{ source: 'debug/esm.ts', line: 5 },
  },
];
