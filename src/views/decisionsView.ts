import { VIEWS } from '../contributions.ts';
import { DecisionRuns, isRun } from '../model/decisionRuns.ts';
import type { StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import { DecisionNode } from './nodes/decisionNode.ts';
import { DecisionRunNode } from './nodes/decisionRunNode.ts';
import { LoadMoreNode } from './nodes/loadMoreNode.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

const MORE_ID = 'decisions/more';

/** What was decided, newest first; the same answer many times in a row is one row. */
export class DecisionsView implements ViewModel {
  private readonly cache = new NodeCache();
  private readonly runs = new DecisionRuns();

  constructor(private readonly data: ViewData) {}

  roots(): TreeNode[] {
    const roots: TreeNode[] = this.runs
      .of(this.data.decisions.rows())
      .map((row) => (isRun(row) ? this.run(row.id).hold(row) : this.decision(row.id)));
    if (this.data.decisions.remaining > 0) roots.push(this.loadMore());
    this.cache.retain(roots);
    return roots;
  }

  affected(
    changes: StoreChanges,
    tell: (node: TreeNode | undefined, urgency: Urgency) => void,
  ): void {
    // A decision never changes: there are new ones, or old ones are gone.
    if (changes.decisions.size > 0) tell(undefined, 'calm');
    const more = this.cache.find(MORE_ID);
    if (more !== undefined && changes.agent.size > 0) tell(more, 'calm');
    else if (changes.agent.size > 0 && this.data.decisions.remaining > 0) tell(undefined, 'calm');
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }

  private run(id: string): DecisionRunNode {
    const make = () => new DecisionRunNode(id, this.data, this.cache);
    return this.cache.of(DecisionRunNode.idOf(id), DecisionRunNode, make);
  }

  private decision(id: string): DecisionNode {
    const make = () => new DecisionNode(undefined, id, this.data);
    return this.cache.of(DecisionNode.idOf(undefined, id), DecisionNode, make);
  }

  private loadMore(): LoadMoreNode {
    const make = () =>
      new LoadMoreNode(MORE_ID, VIEWS.decisions, undefined, this.data.decisions, this.data);
    return this.cache.of(MORE_ID, LoadMoreNode, make);
  }
}
