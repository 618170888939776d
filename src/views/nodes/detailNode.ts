import type * as vscode from 'vscode';
import { contextValueOf } from '../../contributions.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

/** One figure of the row above it. */
export class DetailNode implements TreeNode {
  constructor(
    readonly id: string,
    readonly parent: TreeNode,
    readonly ticks: boolean,
    private readonly read: () => { label: string; text: string } | undefined,
  ) {}

  render(): vscode.TreeItem {
    const detail = this.read();
    if (detail === undefined) return goneRow('', contextValueOf('detail'));
    return row({
      label: detail.label,
      description: detail.text,
      icon: undefined,
      contextValue: contextValueOf('detail'),
      tooltip: factsTooltip(detail.label, [['', detail.text]]),
      stale: false,
    });
  }

  children(): TreeNode[] {
    return [];
  }
}
