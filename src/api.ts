import type { StateSnapshot } from '../agent/protocol/model.ts';

/** What `interlock.state` (a context key) and `InterlockApi.state()` may be. */
export type ExtensionState =
  | 'noFolder'
  | 'untrusted'
  | 'noConfig'
  | 'stopped'
  | 'starting'
  | 'running'
  | 'redisUnreachable'
  | 'failed';

/** One row of a tree view as it is shown, with everything below it. */
export interface TreeRow {
  id: string;
  label: string;
  description: string;
  contextValue: string;
  /** Sign and colour, such as `warning testing.iconFailed`. */
  icon: string;
  children: TreeRow[];
}

/** What `activate` returns: for tests, and for other extensions that want to look. */
export interface InterlockApi {
  /** Settles when the first attempt to reach an agent has ended, however it ended. Never rejects. */
  readonly ready: Promise<void>;
  /** What `activate` took, in ms. Loading the bundle comes before it and is not in it. */
  readonly activationMs: number;
  state(): ExtensionState;
  /** The agent's state as this window has it; undefined before the first snapshot. */
  snapshot(): StateSnapshot | undefined;
  /** The rows of one view; the id is one of `interlock.views.*`. An unknown id has no rows. */
  treeOf(viewId: string): TreeRow[];
  /** The ids of the rows that are selected in one view. */
  selectionOf(viewId: string): string[];
}
