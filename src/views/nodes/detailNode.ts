import type * as vscode from 'vscode';
import { contextValueOf } from '../../contributions.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

export interface Detail {
  label: string;
  text: string;
  icon?: vscode.ThemeIcon;
}

/** One figure of the row above it. */
export class DetailNode implements TreeNode {
  /** It is compared each second with what it said: cheaper than to redraw the row above it. */
  readonly ticks = true;

  constructor(
    readonly id: string,
    readonly parent: TreeNode,
    private readonly read: () => Detail | undefined,
  ) {}

  render(): vscode.TreeItem {
    const detail = this.read();
    if (detail === undefined) return goneRow('', contextValueOf('detail'));
    return row({
      label: detail.label,
      description: detail.text,
      icon: detail.icon,
      contextValue: contextValueOf('detail'),
      tooltip: factsTooltip(detail.label, [['', detail.text]]),
      stale: false,
    });
  }

  saysNow(): string {
    return this.read()?.text ?? '';
  }

  children(): TreeNode[] {
    return [];
  }
}
