import type * as vscode from 'vscode';
import { contextValueOf } from '../../contributions.ts';
import { formatAgo, formatCount } from '../../present/age.ts';
import { describeSymbol } from '../../present/connectionText.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';
import type { SymbolsNode } from './symbolsNode.ts';

/** One symbol that a shard is subscribed to. */
export class SymbolNode implements TreeNode {
  readonly ticks = true;

  constructor(
    readonly parent: SymbolsNode,
    readonly symbol: string,
    private readonly data: ViewData,
  ) {}

  static idOf(parentId: string, symbol: string): string {
    return `${parentId}/${symbol}`;
  }

  get id(): string {
    return SymbolNode.idOf(this.parent.id, this.symbol);
  }

  get stream(): string {
    return this.parent.stream;
  }

  render(): vscode.TreeItem {
    const { t, time } = this.data;
    const found = this.parent.pages.find(this.symbol);
    if (found === undefined) return goneRow(this.symbol, contextValueOf('symbol'));
    return row({
      label: this.symbol,
      description: this.saysNow(),
      icon: undefined,
      contextValue: contextValueOf('symbol'),
      tooltip: factsTooltip(this.symbol, [
        [t('Stored as'), found.name],
        [t('Ticks'), formatCount(found.ticks)],
        [t('Ticks lost'), formatCount(found.gaps)],
        [t('Last tick'), formatAgo(found.lastTickAt, time.now(), t)],
      ]),
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const found = this.parent.pages.find(this.symbol);
    return found === undefined ? '' : describeSymbol(found, this.data.time.now(), this.data.t);
  }

  children(): TreeNode[] {
    return [];
  }
}
