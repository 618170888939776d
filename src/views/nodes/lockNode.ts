import type * as vscode from 'vscode';
import type { DebugRow } from '../../../agent/protocol/debug.ts';
import type { LockRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { debugOf } from '../../model/debugOf.ts';
import type { LockList } from '../../model/lockList.ts';
import { debugFacts, debugText } from '../../present/debugText.ts';
import { joined } from '../../present/jobText.ts';
import {
  describeLock,
  lockFacts,
  lockKindName,
  lockNow,
  type LockNow,
} from '../../present/lockText.ts';
import { debugIcon, lockIcon } from '../icons.ts';
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
    const debugged = this.debugged(lock);
    const now = this.now(lock, locks, time.now());
    const title = `${lockKindName(lock.kind, t)}: ${lock.subject}`;
    return row({
      label: lock.subject,
      description: says,
      icon: debugged === undefined ? lockIcon(lock, now.level) : debugIcon(),
      contextValue: contextValueOf('lock', markOf(lock), ...(lock.job ? (['job'] as const) : [])),
      tooltip: factsTooltip(title, [...debugFacts(debugged, t), ...lockFacts(lock, now, t)]),
      spoken: `${lockKindName(lock.kind, t)} ${lock.subject}, ${says}`,
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { lock } = this;
    if (lock === undefined) return '';
    const { locks, time, t } = this.data;
    const says = describeLock(lock, this.now(lock, locks, time.now()), t);
    return joined([debugText(this.debugged(lock), t), says]);
  }

  private debugged(lock: LockRow): DebugRow | undefined {
    return lock.kind === 'dedup' ? undefined : debugOf(this.data.store, lock.job);
  }

  /** Under a debugger its age means nothing. */
  private now(lock: LockRow, locks: LockList, nowMs: number): LockNow {
    const now = lockNow(lock, locks, nowMs);
    return this.debugged(lock) === undefined ? now : { ...now, level: 'normal' };
  }

  children(): TreeNode[] {
    return [];
  }
}

function markOf({ state }: LockRow): 'dead' | 'orphaned' | 'held' {
  if (state === 'holder_dead') return 'dead';
  return state === 'orphaned' ? 'orphaned' : 'held';
}
