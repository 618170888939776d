import type * as vscode from 'vscode';
import type { ConnectionRow } from '../../../agent/protocol/model.ts';
import { livesElsewhere } from '../../../agent/protocol/streamFigures.ts';
import { contextValueOf } from '../../contributions.ts';
import { connectionOf } from '../../model/selectors.ts';
import {
  connectionDetails,
  describeConnection,
  type ConnectionDetail,
  type ConnectionView,
} from '../../present/connectionText.ts';
import { connectionIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { DetailNode } from './detailNode.ts';
import { goneRow, row } from './row.ts';
import { SymbolsNode } from './symbolsNode.ts';

/** One shard of a stream: its connection, wherever it lives. */
export class ConnectionNode implements TreeNode {
  readonly ticks = true;

  constructor(
    readonly parent: TreeNode,
    readonly stream: string,
    readonly shard: number,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(parentId: string, shard: number): string {
    return `${parentId}/${shard}`;
  }

  get id(): string {
    return ConnectionNode.idOf(this.parent.id, this.shard);
  }

  get connection(): ConnectionRow | undefined {
    return connectionOf(this.data.store.rows('streams').get(this.stream), this.shard);
  }

  render(): vscode.TreeItem {
    const { connection } = this;
    const { t } = this.data;
    const label = t('Shard {0}', this.shard);
    if (connection === undefined) return goneRow(label, contextValueOf('connection', 'other'));
    const facts = this.details(connection).map(({ label: name, text }) => [name, text] as const);
    return row({
      label,
      description: this.saysNow(),
      icon: connectionIcon(connection.state, livesElsewhere(connection, this.view().agentId)),
      contextValue: contextValueOf('connection', markOf(connection)),
      tooltip: factsTooltip(label, facts, connection.trouble ?? ''),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { connection } = this;
    return connection === undefined ? '' : describeConnection(connection, this.view(), this.data.t);
  }

  children(): TreeNode[] {
    const { connection } = this;
    if (connection === undefined) return [];
    return [
      ...this.details(connection).map(({ id }) => this.detail(id)),
      this.cache.of(
        SymbolsNode.idOf(this.id),
        SymbolsNode,
        () => new SymbolsNode(this, this.data, this.cache),
      ),
    ];
  }

  private detail(detailId: string): DetailNode {
    const id = `${this.id}/${detailId}`;
    const read = () => {
      const now = this.connection;
      return now && this.details(now).find((one) => one.id === detailId);
    };
    return this.cache.of(id, DetailNode, () => new DetailNode(id, this, read));
  }

  private details(connection: ConnectionRow): ConnectionDetail[] {
    return connectionDetails(connection, this.view(), this.data.t);
  }

  private view(): ConnectionView {
    return { nowMs: this.data.time.now(), agentId: this.data.store.agent?.agentId };
  }
}

function markOf({ state }: ConnectionRow): 'suspended' | 'live' | 'other' {
  return state === 'suspended' || state === 'live' ? state : 'other';
}
