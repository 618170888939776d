import type { Collection, StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode } from './treeNode.ts';

/** How a flat list is made of one collection. */
export interface ListSource<N extends TreeNode> {
  collection: Collection;
  kind: new (...args: never[]) => N;
  /** Keys in the order in which they are shown. */
  keys(): string[];
  idOf(key: string): string;
  make(key: string): N;
}

/** A flat list, such as schedules. */
export class ListView<N extends TreeNode> implements ViewModel {
  private readonly cache = new NodeCache();

  constructor(private readonly source: ListSource<N>) {}

  roots(): TreeNode[] {
    const { source } = this;
    return source
      .keys()
      .map((key) => this.cache.of(source.idOf(key), source.kind, () => source.make(key)));
  }

  affected(
    changes: StoreChanges,
    tell: (node: TreeNode | undefined, urgency: Urgency) => void,
  ): void {
    for (const [key, { before, after }] of changes[this.source.collection]) {
      const id = this.source.idOf(key);
      if (after === undefined) this.cache.forget(id);
      if (before === undefined || after === undefined) {
        tell(undefined, 'calm');
        continue;
      }
      const node = this.cache.find(id);
      if (node !== undefined) tell(node, 'calm');
    }
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }
}
