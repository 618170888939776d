import * as vscode from 'vscode';
import { COMMANDS, contextValueOf } from '../../contributions.ts';
import { formatCount } from '../../present/age.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import type { JobGroupNode } from './jobGroupNode.ts';
import { row } from './row.ts';

/** Stands below a group of which only the first jobs are shown. */
export class LoadMoreNode implements TreeNode {
  readonly ticks = false;

  constructor(
    readonly parent: JobGroupNode,
    private readonly data: ViewData,
  ) {}

  get id(): string {
    return `${this.parent.id}/more`;
  }

  render(): vscode.TreeItem {
    const { t } = this.data;
    const label = t('Load More');
    const rest = formatCount(Math.max(0, this.parent.total - this.parent.known));
    return row({
      label,
      description: t('{0} not shown', rest),
      icon: new vscode.ThemeIcon('ellipsis'),
      contextValue: contextValueOf('loadMore'),
      command: { command: COMMANDS.jobLoadMore, title: label, arguments: [this] },
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return [];
  }
}
