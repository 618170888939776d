import type { StreamRow } from '../../agent/protocol/model.ts';
import { sortedByName, streamHealth } from '../model/selectors.ts';
import type { StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import { DetailNode } from './nodes/detailNode.ts';
import { StreamNode } from './nodes/streamNode.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

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

  affected(
    changes: StoreChanges,
    tell: (node: TreeNode | undefined, urgency: Urgency) => void,
  ): void {
    for (const [name, { before, after }] of changes.streams) {
      if (before === undefined || after === undefined) {
        tell(undefined, 'now');
        continue;
      }
      const node = this.cache.find(StreamNode.idOf(name));
      if (node === undefined) continue;
      tell(node, shape(before) === shape(after) ? 'calm' : 'now');
      // The figures below are rows without a branch: they may change each second.
      for (const below of this.cache.below(node.id)) {
        if (below instanceof DetailNode) tell(below, 'calm');
      }
    }
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }
}

/** What a person wants to see at once; the counters can wait a second. */
function shape(stream: StreamRow): string {
  const states = stream.connections.map((connection) => connection.state);
  return [streamHealth(stream), stream.wanted, ...states].join();
}
