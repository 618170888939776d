import type * as vscode from 'vscode';
import type { ConnectionRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { connectionDetails, describeConnection } from '../../present/streamText.ts';
import { connectionIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { DetailNode } from './detailNode.ts';
import { goneRow, row } from './row.ts';
import type { StreamNode } from './streamNode.ts';

export class ConnectionNode implements TreeNode {
  readonly ticks = false;

  constructor(
    readonly parent: StreamNode,
    readonly shard: number,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  get id(): string {
    return `${this.parent.id}/${this.shard}`;
  }

  private get connection(): ConnectionRow | undefined {
    const stream = this.data.store.rows('streams').get(this.parent.name);
    return stream?.connections.find(({ shard }) => shard === this.shard);
  }

  render(): vscode.TreeItem {
    const { connection } = this;
    const { t } = this.data;
    const label = t('Connection {0}', this.shard + 1);
    if (connection === undefined) return goneRow(label, contextValueOf('connection'));
    const facts = this.details(connection).map(({ label: name, text }) => [name, text] as const);
    return row({
      label,
      description: describeConnection(connection, t),
      icon: connectionIcon(connection.state),
      contextValue: contextValueOf('connection'),
      tooltip: factsTooltip(label, facts, connection.trouble ?? ''),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    const { connection } = this;
    if (connection === undefined) return [];
    return this.details(connection).map((detail) => {
      const id = `${this.id}/${detail.id}`;
      const read = () => {
        const now = this.connection;
        return now === undefined
          ? undefined
          : this.details(now).find((one) => one.id === detail.id);
      };
      const make = () => new DetailNode(id, this, detail.id === 'lastMessage', read);
      return this.cache.of(id, DetailNode, make);
    });
  }

  private details(connection: ConnectionRow): ReturnType<typeof connectionDetails> {
    return connectionDetails(connection, this.data.time.now(), this.data.t);
  }
}
