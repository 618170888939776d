import type { StreamRow } from '../../agent/protocol/model.ts';
import { connectionOf, sortedByName, streamHealth } from '../model/selectors.ts';
import type { StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import { StreamNode } from './nodes/streamNode.ts';
import { SymbolsNode } from './nodes/symbolsNode.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

/** Of a stream with more connections some change at any moment: its rows are then redrawn calmly. */
const FEW_CONNECTIONS = 20;

type Tell = (node: TreeNode | undefined, urgency: Urgency) => void;

export class StreamsView implements ViewModel {
  private readonly cache = new NodeCache();

  constructor(private readonly data: ViewData) {}

  roots(): TreeNode[] {
    return sortedByName(this.data.store.rows('streams')).map(({ name }) =>
      this.cache.of(
        StreamNode.idOf(name),
        StreamNode,
        () => new StreamNode(name, this.data, this.cache),
      ),
    );
  }

  affected(changes: StoreChanges, tell: Tell): void {
    for (const [name, { before, after }] of changes.streams) {
      const node = this.cache.find(StreamNode.idOf(name));
      if (before === undefined || after === undefined) {
        if (node !== undefined && after === undefined) this.forget(node);
        tell(undefined, 'now');
        continue;
      }
      if (node === undefined) continue;
      // Figures tick by themselves; a row that is open is read again with all that is below it.
      tell(node, shape(before) === shape(after) ? 'calm' : 'now');
      if (before.symbolCount !== after.symbolCount) this.tellSymbols(node, before, after, tell);
    }
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }

  /** Symbols were added or removed: lists that are open are read again. */
  private tellSymbols(node: TreeNode, before: StreamRow, after: StreamRow, tell: Tell): void {
    for (const below of this.cache.below(node.id)) {
      if (!(below instanceof SymbolsNode)) continue;
      const { shard } = below.parent;
      const count = (stream: StreamRow) => connectionOf(stream, shard)?.symbolCount;
      if (count(before) !== count(after)) tell(below, 'calm');
    }
  }

  private forget(node: TreeNode): void {
    for (const below of this.cache.below(node.id)) this.cache.forget(below.id);
    this.cache.forget(node.id);
  }
}

/** What a person wants to see at once; the counters can wait a second. */
function shape(stream: StreamRow): string {
  const { connections } = stream;
  const states = connections.length > FEW_CONNECTIONS ? [] : connections.map(({ state }) => state);
  return [streamHealth(stream), stream.wanted, connections.length, ...states].join();
}
