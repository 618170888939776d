import type * as vscode from 'vscode';
import type { LeaderRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { formatClockTime } from '../../present/age.ts';
import { describeHolder } from '../../present/holderText.ts';
import { describeLeader } from '../../present/scheduleText.ts';
import { leaderIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

/** One time that an agent was the scheduler. */
export class LeaderNode implements TreeNode {
  readonly ticks = true;

  constructor(
    readonly parent: TreeNode,
    private readonly fence: string,
    private readonly data: ViewData,
  ) {}

  static idOf(parent: TreeNode, fence: string): string {
    return `${parent.id}/${fence}`;
  }

  get id(): string {
    return LeaderNode.idOf(this.parent, this.fence);
  }

  private get leader(): LeaderRow | undefined {
    return this.data.store.rows('leaders').get(this.fence);
  }

  render(): vscode.TreeItem {
    const { leader } = this;
    if (leader === undefined) return goneRow(this.fence, contextValueOf('leader'));
    const { t, time } = this.data;
    const label = describeHolder(leader.holder, t);
    return row({
      label,
      description: this.saysNow(),
      icon: leaderIcon(leader.end),
      contextValue: contextValueOf('leader'),
      tooltip: factsTooltip(label, [
        [t('Since'), formatClockTime(leader.since, time.now())],
        [t('Until'), leader.until === null ? '' : formatClockTime(leader.until, time.now())],
        [t('Fence'), this.fence],
      ]),
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { leader } = this;
    return leader === undefined ? '' : describeLeader(leader, this.data.time.now(), this.data.t);
  }

  children(): TreeNode[] {
    return [];
  }
}
