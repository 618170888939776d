import type { JobRow, JobState } from '../../agent/protocol/model.ts';
import { jobKey } from '../model/jobKey.ts';
import { sortedByName, shownJobStates } from '../model/selectors.ts';
import type { StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import { JobGroupNode } from './nodes/jobGroupNode.ts';
import { JobNode } from './nodes/jobNode.ts';
import { QueueNode } from './nodes/queueNode.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

type Tell = (node: TreeNode | undefined, urgency: Urgency) => void;

export class JobsView implements ViewModel {
  private readonly cache = new NodeCache();

  constructor(private readonly data: ViewData) {}

  roots(): TreeNode[] {
    return sortedByName(this.data.store.rows('queues')).map(({ name }) => this.queue(name));
  }

  /** The row of a job that is known here, for revealing it. */
  nodeOf({ queue, state, id }: JobRow): JobNode {
    return this.queue(queue).group(state).job({ queue, id });
  }

  affected(changes: StoreChanges, tell: Tell): void {
    this.affectedQueues(changes, tell);
    this.affectedJobs(changes, tell);
    for (const { before, after } of changes.debugs.values()) {
      const job = (after ?? before)?.job ?? null;
      const node = job === null ? undefined : this.cache.find(activeNodeId(job));
      if (node !== undefined) tell(node, 'now');
    }
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }

  private queue(name: string): QueueNode {
    const make = () => new QueueNode(name, this.data, this.cache);
    return this.cache.of(QueueNode.idOf(name), QueueNode, make);
  }

  private affectedQueues({ queues }: StoreChanges, tell: Tell): void {
    for (const [name, { before, after }] of queues) {
      if (before === undefined || after === undefined) {
        tell(undefined, 'now');
        continue;
      }
      const regrouped = shownJobStates(before).join() !== shownJobStates(after).join();
      const urgency = regrouped || before.paused !== after.paused ? 'now' : 'calm';
      const node = this.cache.find(QueueNode.idOf(name));
      if (node !== undefined) tell(node, urgency);
      for (const state of shownJobStates(after)) {
        if (before.counts[state] !== after.counts[state]) this.tellGroup(name, state, tell);
      }
    }
  }

  /** A job that stays in its state is one row; one that moves concerns the groups it leaves and joins. */
  private affectedJobs({ jobs }: StoreChanges, tell: Tell): void {
    for (const [key, { before, after }] of jobs) {
      const row = after ?? before;
      if (row === undefined) continue;
      if (before?.state === after?.state) {
        const node = this.cache.find(JobNode.idOf(JobGroupNode.idOf(row.queue, row.state), key));
        if (node !== undefined) tell(node, 'now');
        continue;
      }
      if (before !== undefined) this.leave(key, before.queue, before.state, tell);
      if (after !== undefined) this.tellGroup(after.queue, after.state, tell);
    }
  }

  private leave(key: string, queue: string, state: JobState, tell: Tell): void {
    this.cache.forget(JobNode.idOf(JobGroupNode.idOf(queue, state), key));
    this.tellGroup(queue, state, tell);
  }

  private tellGroup(queue: string, state: JobState, tell: Tell): void {
    const group = this.cache.find(JobGroupNode.idOf(queue, state));
    if (group !== undefined) tell(group, 'calm');
  }
}

/** A run under a debugger is an active job. */
function activeNodeId(job: { queue: string; id: string }): string {
  return JobNode.idOf(JobGroupNode.idOf(job.queue, 'active'), jobKey(job));
}
