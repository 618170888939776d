import type * as vscode from 'vscode';
import { contextValueOf, VIEWS } from '../../contributions.ts';
import type { SymbolPages } from '../../model/symbolList.ts';
import { formatCount } from '../../present/age.ts';
import { symbolsIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import type { ConnectionNode } from './connectionNode.ts';
import { LoadMoreNode } from './loadMoreNode.ts';
import { row } from './row.ts';
import { SymbolNode } from './symbolNode.ts';

/** The symbols of one shard; they are asked for when it is opened, page by page. */
export class SymbolsNode implements TreeNode {
  readonly ticks = true;

  constructor(
    readonly parent: ConnectionNode,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(connectionId: string): string {
    return `${connectionId}/symbols`;
  }

  get id(): string {
    return SymbolsNode.idOf(this.parent.id);
  }

  get stream(): string {
    return this.parent.stream;
  }

  get pages(): SymbolPages {
    return this.data.symbols.of(this.parent.stream, this.parent.shard);
  }

  private get count(): number {
    return this.parent.connection?.symbolCount ?? 0;
  }

  render(): vscode.TreeItem {
    return row({
      label: this.data.t('Symbols'),
      description: this.saysNow(),
      icon: symbolsIcon(),
      contextValue: contextValueOf('symbols'),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    return formatCount(this.count);
  }

  prepare(): Promise<void> | undefined {
    return this.pages.prepare(this.count);
  }

  children(): TreeNode[] {
    const { pages } = this;
    const symbols: TreeNode[] = pages.rows.map(({ symbol }) => {
      const make = () => new SymbolNode(this, symbol, this.data);
      return this.cache.of(SymbolNode.idOf(this.id, symbol), SymbolNode, make);
    });
    if (pages.remaining > 0) symbols.push(this.loadMore());
    return symbols;
  }

  private loadMore(): LoadMoreNode {
    // A symbol may be called anything but have no blank in its name.
    const id = `${this.id}/load more`;
    const make = () => new LoadMoreNode(id, VIEWS.streams, this, this.pages, this.data);
    return this.cache.of(id, LoadMoreNode, make);
  }
}
