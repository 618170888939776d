import type * as vscode from 'vscode';
import type { LockKind, LockRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { formatCount } from '../../present/age.ts';
import { lockGroupName } from '../../present/lockText.ts';
import { lockGroupIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { LockNode } from './lockNode.ts';
import { row } from './row.ts';

/** Locks of one kind of which there are many, and none of which needs a person. */
export class LockGroupNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = false;
  private locks: readonly LockRow[] = [];

  constructor(
    readonly kind: LockKind,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(kind: LockKind): string {
    return `locks/all-${kind}`;
  }

  get id(): string {
    return LockGroupNode.idOf(this.kind);
  }

  /** The view sorts all locks at once and tells each group its own. */
  hold(locks: readonly LockRow[]): this {
    this.locks = locks;
    return this;
  }

  render(): vscode.TreeItem {
    return row({
      label: lockGroupName(this.kind, this.data.t),
      description: formatCount(this.locks.length),
      icon: lockGroupIcon(this.kind),
      contextValue: contextValueOf('lockGroup'),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  children(): LockNode[] {
    return this.locks.map(({ name }) => {
      const make = () => new LockNode(this, name, this.data);
      return this.cache.of(LockNode.idOf(this, name), LockNode, make);
    });
  }
}
