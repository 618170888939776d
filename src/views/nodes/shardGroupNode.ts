import * as vscode from 'vscode';
import type { ConnectionRow, StreamRow } from '../../../agent/protocol/model.ts';
import { byTrouble, isTroubled } from '../../../agent/protocol/streamFigures.ts';
import { contextValueOf } from '../../contributions.ts';
import { formatCount } from '../../present/age.ts';
import { describeConnections, describeTroubled } from '../../present/connectionText.ts';
import { connectionIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { ConnectionNode } from './connectionNode.ts';
import { row } from './row.ts';

/** A stream with more shards than that shows groups of them. */
export const SHARDS_PER_GROUP = 100;

/** Shards with these numbers, or those that should be live and are not. */
export type ShardGroup = { kind: 'range'; from: number } | { kind: 'troubled' };

/** Some of the very many shards of a stream. */
export class ShardGroupNode implements TreeNode {
  readonly ticks = true;

  constructor(
    readonly parent: TreeNode & { readonly name: string; readonly stream: StreamRow | undefined },
    private readonly group: ShardGroup,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(streamId: string, group: ShardGroup): string {
    return group.kind === 'troubled' ? `${streamId}/troubled` : `${streamId}/from-${group.from}`;
  }

  get id(): string {
    return ShardGroupNode.idOf(this.parent.id, this.group);
  }

  render(): vscode.TreeItem {
    const [worst] = [...this.members()].sort(byTrouble);
    return row({
      label: this.label(),
      description: this.saysNow(),
      icon:
        worst === undefined ? new vscode.ThemeIcon('layers') : connectionIcon(worst.state, false),
      contextValue: contextValueOf('shardGroup'),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const describe = this.group.kind === 'troubled' ? describeTroubled : describeConnections;
    return describe(this.members(), this.data.t);
  }

  children(): TreeNode[] {
    const { name } = this.parent;
    const members = this.members();
    const shown =
      this.group.kind === 'troubled'
        ? [...members].sort(byTrouble).slice(0, SHARDS_PER_GROUP)
        : members;
    return shown.map(({ shard }) => {
      const make = () => new ConnectionNode(this, name, shard, this.data, this.cache);
      return this.cache.of(ConnectionNode.idOf(this.id, shard), ConnectionNode, make);
    });
  }

  private label(): string {
    const { group } = this;
    const { t } = this.data;
    if (group.kind === 'troubled') return t('Not live');
    const last = group.from + this.members().length - 1;
    return t('Shards {0} to {1}', formatCount(group.from), formatCount(last));
  }

  private members(): readonly ConnectionRow[] {
    const { group } = this;
    const connections = this.parent.stream?.connections ?? [];
    return group.kind === 'troubled'
      ? connections.filter(isTroubled)
      : connections.slice(group.from, group.from + SHARDS_PER_GROUP);
  }
}
