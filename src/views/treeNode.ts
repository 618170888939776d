import type * as vscode from 'vscode';
import type { JobRow } from '../../agent/protocol/model.ts';
import type { AgentTime } from '../model/agentTime.ts';
import type { DecisionList } from '../model/decisionList.ts';
import type { LockList } from '../model/lockList.ts';
import type { Pages } from '../model/pages.ts';
import type { RateMeter } from '../model/rateMeter.ts';
import type { Store } from '../model/store.ts';
import type { SymbolList } from '../model/symbolList.ts';
import type { Translate } from '../present/translate.ts';

/** What nodes render from. They hold keys, not rows: a node is as fresh as the store. */
export interface ViewData {
  readonly store: Store;
  /** Jobs that were loaded page by page. */
  readonly pages: Pages<JobRow>;
  readonly locks: LockList;
  readonly decisions: DecisionList;
  readonly symbols: SymbolList;
  readonly time: AgentTime;
  readonly rates: RateMeter;
  readonly t: Translate;
  /** The rows are from before the agent was lost. */
  isStale(): boolean;
}

/** One row of a tree. Its identity never changes while its subject exists. */
export interface TreeNode {
  /** A path without state, so that selection and expansion outlive changes. */
  readonly id: string;
  readonly parent: TreeNode | undefined;
  render(): vscode.TreeItem;
  children(): TreeNode[];
  /** Called before its children are shown: what they need from the agent. Never rejects. */
  prepare?(): Promise<void> | undefined;
  /** The row says something else as time goes by. */
  readonly ticks: boolean;
  /** What it says, without the cost of a whole row; left out, the row is made to find out. */
  saysNow?(): string;
}
