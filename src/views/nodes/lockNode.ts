import type * as vscode from 'vscode';
import type { LockRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { describeLock, lockFacts, lockKindName, lockNow } from '../../present/lockText.ts';
import { lockIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

export class LockNode implements TreeNode {
  readonly ticks = true;

  constructor(
    readonly parent: TreeNode | undefined,
    readonly key: string,
    private readonly data: ViewData,
  ) {}

  static idOf(parent: TreeNode | undefined, key: string): string {
    return `${parent?.id ?? 'locks'}/${key}`;
  }

  get id(): string {
    return LockNode.idOf(this.parent, this.key);
  }

  get lock(): LockRow | undefined {
    return this.data.locks.find(this.key);
  }

  render(): vscode.TreeItem {
    const { lock } = this;
    if (lock === undefined) return goneRow(this.key, contextValueOf('lock', 'held'));
    const { t, time, locks } = this.data;
    const says = this.saysNow();
    const now = lockNow(lock, locks, time.now());
    const title = `${lockKindName(lock.kind, t)}: ${lock.subject}`;
    return row({
      label: lock.subject,
      description: says,
      icon: lockIcon(lock, now.level),
      contextValue: contextValueOf('lock', markOf(lock), ...(lock.job ? (['job'] as const) : [])),
      tooltip: factsTooltip(title, lockFacts(lock, now, t)),
      spoken: `${lockKindName(lock.kind, t)} ${lock.subject}, ${says}`,
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { lock } = this;
    if (lock === undefined) return '';
    return describeLock(lock, lockNow(lock, this.data.locks, this.data.time.now()), this.data.t);
  }

  children(): TreeNode[] {
    return [];
  }
}

function markOf({ state }: LockRow): 'dead' | 'orphaned' | 'held' {
  if (state === 'holder_dead') return 'dead';
  return state === 'orphaned' ? 'orphaned' : 'held';
}
