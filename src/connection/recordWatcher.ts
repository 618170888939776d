import { existsSync, watch, type FSWatcher } from 'node:fs';
import type { Disposable } from '../disposable.ts';

const AGENT_RECORD_FILE = 'agent.json';

/**
 * Tells when an agent has written where it listens: another window or a terminal started one.
 * A state folder that is not there yet is not watched; then the window's focus is the occasion.
 */
export function watchAgentRecord(stateFolder: string, onWritten: () => void): Disposable {
  let watcher: FSWatcher | undefined;
  if (existsSync(stateFolder)) {
    watcher = watch(stateFolder, { persistent: false }, (_event, file) => {
      if (file === AGENT_RECORD_FILE) onWritten();
    });
    // The folder was removed: there is nothing to hear any more.
    watcher.on('error', () => watcher?.close());
  }
  return { dispose: () => watcher?.close() };
}
