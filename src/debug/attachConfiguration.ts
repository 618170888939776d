import type * as vscode from 'vscode';
import type { DebugRow } from '../../agent/protocol/debug.ts';

/** In a debug configuration: which debugged run of the agent it belongs to. */
export const RUN_KEY = 'interlockRun';

/** The oldest that runs handlers. */
const OLDEST_NODE = 20;

export interface AttachPlaces {
  /** The workspace folder. */
  folder: string;
  /** Where our own programs lie: a person steps over them. */
  programFolder: string;
}

/**
 * What js-debug is told, to attach to the process of one run.
 * @param url lets one debugger in, once: other extensions can read it, and it is of no use to them
 */
export function attachConfiguration(
  row: DebugRow,
  url: string,
  { folder, programFolder }: AttachPlaces,
): vscode.DebugConfiguration {
  return {
    ...{ type: 'node', request: 'attach', name: `${row.type} ${row.job?.id ?? ''}`.trim() },
    ...{ [RUN_KEY]: row.id, websocketAddress: url, cwd: folder },
    // One run is one process: when it has ended there is nothing to attach to again.
    ...{ restart: false, autoAttachChildProcesses: false },
    // js-debug starts no process, so it need not ask `node --version` before it lets this one go on.
    nodeVersionHint: OLDEST_NODE,
    // Breakpoints that were set before the handler is loaded bind in what it was compiled from.
    ...{ sourceMaps: true, pauseForSourceMap: true, smartStep: true },
    outFiles: [`${folder}/**/*.(m|c|)js`, '!**/node_modules/**'],
    resolveSourceMapLocations: ['**', '!**/node_modules/**'],
    skipFiles: ['<node_internals>/**', `${programFolder}/**`],
  };
}
