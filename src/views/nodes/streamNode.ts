import type * as vscode from 'vscode';
import type { StreamRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { streamHealth } from '../../model/selectors.ts';
import { formatAgo, formatCount } from '../../present/age.ts';
import { describeHolder } from '../../present/holderText.ts';
import { describeStream } from '../../present/streamText.ts';
import { streamIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { ConnectionNode } from './connectionNode.ts';
import { goneRow, row } from './row.ts';

export class StreamNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = false;

  constructor(
    readonly name: string,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(name: string): string {
    return `streams/${name}`;
  }

  get id(): string {
    return StreamNode.idOf(this.name);
  }

  private get stream(): StreamRow | undefined {
    return this.data.store.rows('streams').get(this.name);
  }

  render(): vscode.TreeItem {
    const { stream } = this;
    if (stream === undefined) return goneRow(this.name, contextValueOf('stream', 'stopped'));
    return row({
      label: this.name,
      description: this.description(stream),
      icon: streamIcon(streamHealth(stream)),
      contextValue: contextValueOf('stream', stream.wanted === 'running' ? 'wanted' : 'stopped'),
      tooltip: this.tooltip(stream),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return (this.stream?.connections ?? []).map(({ shard }) => {
      const id = `${this.id}/${shard}`;
      return this.cache.of(
        id,
        ConnectionNode,
        () => new ConnectionNode(this, shard, this.data, this.cache),
      );
    });
  }

  private description(stream: StreamRow): string {
    const rate = this.data.rates.perSecond(this.name, this.data.time.now());
    return describeStream(stream, rate, this.data.t);
  }

  private tooltip(stream: StreamRow): vscode.MarkdownString {
    const { t, time } = this.data;
    return factsTooltip(stream.name, [
      [t('State'), this.description(stream)],
      [t('Address'), stream.url],
      [t('Connections'), t('{0} of {1}', stream.connected, stream.connections.length)],
      [t('Messages'), formatCount(stream.totalMessages)],
      [t('Ticks'), formatCount(stream.totalTicks)],
      [t('Batches'), formatCount(stream.batches)],
      [t('Errors'), formatCount(stream.totalErrors)],
      [t('Started'), formatAgo(stream.startedAt, time.now(), t)],
      [t('Holder'), stream.holder === null ? '' : describeHolder(stream.holder, t)],
      [t('Fence'), stream.fence === null ? '' : String(stream.fence)],
    ]);
  }
}
