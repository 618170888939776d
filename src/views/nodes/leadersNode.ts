import type * as vscode from 'vscode';
import type { LeaderRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { leadersNewestFirst } from '../../model/selectors.ts';
import { holderPlace } from '../../present/holderText.ts';
import { describeLeader } from '../../present/scheduleText.ts';
import { lockGroupIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { LeaderNode } from './leaderNode.ts';
import { row } from './row.ts';

/** Who is the scheduler now; below it, who was. */
export class LeadersNode implements TreeNode {
  static readonly id = 'schedules//leaders';

  readonly id = LeadersNode.id;
  readonly parent = undefined;
  readonly ticks = true;

  constructor(
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  render(): vscode.TreeItem {
    return row({
      label: this.data.t('Scheduler'),
      description: this.saysNow(),
      icon: lockGroupIcon('scheduler'),
      contextValue: contextValueOf('leaders'),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { t, time } = this.data;
    const [newest] = this.leaders();
    if (newest?.end !== 'holds') return t('nobody holds its lock');
    return `${holderPlace(newest.holder)} ${describeLeader(newest, time.now(), t)}`;
  }

  children(): LeaderNode[] {
    return this.leaders().map(({ fence }) => {
      const make = () => new LeaderNode(this, String(fence), this.data);
      return this.cache.of(LeaderNode.idOf(this, String(fence)), LeaderNode, make);
    });
  }

  private leaders(): LeaderRow[] {
    return leadersNewestFirst(this.data.store.rows('leaders'));
  }
}
