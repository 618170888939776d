import type * as vscode from 'vscode';
import { formatDuration } from '../../../agent/common/duration.ts';
import type { LockRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { formatAgo, formatClockTime } from '../../present/age.ts';
import { describeHolder, holderLiveness } from '../../present/holderText.ts';
import { describeLock, fullTtlMs, lockAge, lockKindName } from '../../present/lockText.ts';
import { lockIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

export class LockNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = true;

  constructor(
    readonly key: string,
    private readonly data: ViewData,
  ) {}

  static idOf(key: string): string {
    return `locks/${key}`;
  }

  get id(): string {
    return LockNode.idOf(this.key);
  }

  render(): vscode.TreeItem {
    const lock = this.data.store.rows('locks').get(this.key);
    if (lock === undefined) return goneRow(this.key, contextValueOf('lock', 'held'));
    const { t, time } = this.data;
    return row({
      label: lock.subject,
      description: describeLock(lock, time.now(), t),
      icon: lockIcon(lock),
      contextValue: contextValueOf('lock', lock.state === 'holder_dead' ? 'dead' : 'held'),
      tooltip: this.tooltip(lock),
      spoken: `${lockKindName(lock.kind, t)} ${lock.subject}, ${describeLock(lock, time.now(), t)}`,
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return [];
  }

  private tooltip(lock: LockRow): vscode.MarkdownString {
    const { t, time } = this.data;
    const ttlMs = fullTtlMs(lock);
    return factsTooltip(`${lockKindName(lock.kind, t)}: ${lock.subject}`, [
      [t('Name'), lock.name],
      [t('Holder'), lock.holder === null ? t('none') : describeHolder(lock.holder, t)],
      [t('Holder process'), lock.holder === null ? '' : holderLiveness(lock.holder, t)],
      [t('Agent'), lock.holder?.agentId ?? ''],
      [t('Age'), lockAge(lock, time.now())],
      [t('Acquired'), lock.acquiredAt === null ? '' : formatClockTime(lock.acquiredAt, time.now())],
      [t('Renewed'), formatAgo(lock.renewedAt, time.now(), t)],
      [t('TTL'), ttlMs === undefined ? '' : formatDuration(ttlMs)],
      [t('Fence'), lock.fence === null ? '' : String(lock.fence)],
    ]);
  }
}
