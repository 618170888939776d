import type { TreeNode } from './treeNode.ts';

/**
 * Nodes by id: the editor knows rows by object, so one subject must stay one object. Two objects
 * of one id are an error there ("element with id is already registered").
 */
export class NodeCache {
  private readonly nodes = new Map<string, TreeNode>();

  /** The node of this id, made when there is none. */
  of<N extends TreeNode>(id: string, kind: new (...args: never[]) => N, make: () => N): N {
    const known = this.nodes.get(id);
    if (known instanceof kind) return known;
    const made = make();
    this.nodes.set(id, made);
    return made;
  }

  find(id: string): TreeNode | undefined {
    return this.nodes.get(id);
  }

  /** The nodes below this one, as far as they were ever shown. */
  below(id: string): TreeNode[] {
    return [...this.nodes.values()].filter((node) => node.id.startsWith(`${id}/`));
  }

  forget(id: string): void {
    this.nodes.delete(id);
  }

  /**
   * Forgets all but these nodes and their children: rows of a list come and go for as long as a window
   * lives.
   */
  retain(roots: readonly TreeNode[]): void {
    const ids = new Set(roots.flatMap((root) => [root, ...root.children()]).map(({ id }) => id));
    for (const id of [...this.nodes.keys()]) if (!ids.has(id)) this.nodes.delete(id);
  }

  /** Nodes whose rows say something else as time goes by. */
  ticking(): TreeNode[] {
    return [...this.nodes.values()].filter((node) => node.ticks);
  }
}
