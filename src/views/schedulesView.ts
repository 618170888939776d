import { sortedByName } from '../model/selectors.ts';
import type { StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import { LeadersNode } from './nodes/leadersNode.ts';
import { ScheduleNode } from './nodes/scheduleNode.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

/** Schedules by name; below them who enqueues their slots, and who did. */
export class SchedulesView implements ViewModel {
  private readonly cache = new NodeCache();

  constructor(private readonly data: ViewData) {}

  roots(): TreeNode[] {
    const schedules: TreeNode[] = sortedByName(this.data.store.rows('schedules')).map(({ name }) =>
      this.schedule(name),
    );
    // Without any the view says what to do, and needs no scheduler.
    if (schedules.length > 0) schedules.push(this.leaders());
    this.cache.retain(schedules);
    return schedules;
  }

  affected(
    changes: StoreChanges,
    tell: (node: TreeNode | undefined, urgency: Urgency) => void,
  ): void {
    for (const [name, { before, after }] of changes.schedules) {
      if (before === undefined || after === undefined) {
        tell(undefined, 'calm');
        continue;
      }
      const node = this.cache.find(ScheduleNode.idOf(name));
      if (node !== undefined) tell(node, 'calm');
    }
    const leaders = this.cache.find(LeadersNode.id);
    if (leaders !== undefined && changes.leaders.size > 0) tell(leaders, 'calm');
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }

  private schedule(name: string): ScheduleNode {
    const make = () => new ScheduleNode(name, this.data, this.cache);
    return this.cache.of(ScheduleNode.idOf(name), ScheduleNode, make);
  }

  private leaders(): LeadersNode {
    return this.cache.of(LeadersNode.id, LeadersNode, () => new LeadersNode(this.data, this.cache));
  }
}
