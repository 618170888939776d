import * as vscode from 'vscode';
import { COMMANDS, contextValueOf, type ViewId } from '../../contributions.ts';
import type { PageSource } from '../../model/pages.ts';
import { formatCount } from '../../present/age.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { row } from './row.ts';

/** Stands below a list of which only the first rows are shown. */
export class LoadMoreNode implements TreeNode {
  readonly ticks = false;

  /** @param parent the row above the list; undefined when the list is the whole view */
  constructor(
    readonly id: string,
    readonly view: ViewId,
    readonly parent: TreeNode | undefined,
    readonly source: PageSource,
    private readonly data: ViewData,
  ) {}

  render(): vscode.TreeItem {
    const { t } = this.data;
    const label = t('Load More…');
    return row({
      label,
      description: t('{0} not shown', formatCount(this.source.remaining)),
      icon: new vscode.ThemeIcon('ellipsis'),
      contextValue: contextValueOf('loadMore'),
      command: { command: COMMANDS.listLoadMore, title: label, arguments: [this] },
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return [];
  }
}
