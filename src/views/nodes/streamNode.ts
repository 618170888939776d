import type * as vscode from 'vscode';
import type { StreamRow } from '../../../agent/protocol/model.ts';
import { isTroubled } from '../../../agent/protocol/streamFigures.ts';
import { contextValueOf } from '../../contributions.ts';
import { streamHealth, suspendedStreams } from '../../model/selectors.ts';
import {
  describeStream,
  streamFacts,
  streamNotes,
  type StreamNote,
} from '../../present/streamText.ts';
import { noteIcon, streamIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { ConnectionNode } from './connectionNode.ts';
import { DetailNode } from './detailNode.ts';
import { goneRow, row } from './row.ts';
import { ShardGroupNode, SHARDS_PER_GROUP, type ShardGroup } from './shardGroupNode.ts';

export class StreamNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = true;

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

  get stream(): StreamRow | undefined {
    return this.data.store.rows('streams').get(this.name);
  }

  render(): vscode.TreeItem {
    const { stream } = this;
    if (stream === undefined) return goneRow(this.name, contextValueOf('stream', 'stopped'));
    return row({
      label: this.name,
      description: this.saysNow(),
      icon: streamIcon(streamHealth(stream)),
      contextValue: contextValue(stream),
      tooltip: factsTooltip(
        stream.name,
        streamFacts(stream, this.rate(), this.data.time.now(), this.data.t),
      ),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { stream } = this;
    if (stream === undefined) return '';
    return describeStream(stream, this.rate(), this.data.time.now(), this.data.t);
  }

  /** What a person should know, then its shards; of very many, groups that are read when opened. */
  children(): TreeNode[] {
    const { stream } = this;
    if (stream === undefined) return [];
    const notes = this.notes(stream).map(({ id }) => this.note(id));
    if (stream.connections.length > SHARDS_PER_GROUP)
      return [...notes, ...this.groups(stream).map((group) => this.group(group))];
    return [...notes, ...stream.connections.map(({ shard }) => this.connection(shard))];
  }

  private rate(): number | undefined {
    return this.data.rates.perSecond(this.name, this.data.time.now());
  }

  private notes(stream: StreamRow): StreamNote[] {
    return streamNotes(stream, this.data.time.now(), this.data.t);
  }

  private note(noteId: StreamNote['id']): DetailNode {
    const id = `${this.id}/${noteId}`;
    const read = () => {
      const { stream } = this;
      const note = stream && this.notes(stream).find((one) => one.id === noteId);
      return note && { label: note.label, text: note.text, icon: noteIcon(note.warns) };
    };
    return this.cache.of(id, DetailNode, () => new DetailNode(id, this, read));
  }

  private groups({ connections }: StreamRow): ShardGroup[] {
    const ranges = Array.from(
      { length: Math.ceil(connections.length / SHARDS_PER_GROUP) },
      (_, index): ShardGroup => ({ kind: 'range', from: index * SHARDS_PER_GROUP }),
    );
    return connections.some(isTroubled) ? [{ kind: 'troubled' }, ...ranges] : ranges;
  }

  private group(group: ShardGroup): ShardGroupNode {
    const make = () => new ShardGroupNode(this, group, this.data, this.cache);
    return this.cache.of(ShardGroupNode.idOf(this.id, group), ShardGroupNode, make);
  }

  private connection(shard: number): ConnectionNode {
    const make = () => new ConnectionNode(this, this.name, shard, this.data, this.cache);
    return this.cache.of(ConnectionNode.idOf(this.id, shard), ConnectionNode, make);
  }
}

function contextValue(stream: StreamRow): string {
  const wanted = stream.wanted === 'running' ? 'wanted' : 'stopped';
  const suspended = suspendedStreams([stream]).length > 0;
  return contextValueOf('stream', wanted, ...(suspended ? (['suspended'] as const) : []));
}
