import type * as vscode from 'vscode';
import type { JobState, QueueRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { JOB_GROUP_ORDER, shownJobStates } from '../../model/selectors.ts';
import { formatCount } from '../../present/age.ts';
import { describeQueue, jobStateName } from '../../present/jobText.ts';
import { queueIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { JobGroupNode } from './jobGroupNode.ts';
import { goneRow, row } from './row.ts';

export class QueueNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = false;

  constructor(
    readonly name: string,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(name: string): string {
    return `queues/${name}`;
  }

  get id(): string {
    return QueueNode.idOf(this.name);
  }

  private get queue(): QueueRow | undefined {
    return this.data.store.rows('queues').get(this.name);
  }

  render(): vscode.TreeItem {
    const { queue } = this;
    if (queue === undefined) return goneRow(this.name, contextValueOf('queue', 'open'));
    return row({
      label: this.name,
      description: describeQueue(queue, this.data.t),
      icon: queueIcon(queue.paused),
      contextValue: contextValueOf('queue', queue.paused ? 'paused' : 'open'),
      tooltip: this.tooltip(queue),
      collapsible: 'expanded',
      stale: this.data.isStale(),
    });
  }

  children(): JobGroupNode[] {
    const { queue } = this;
    return queue === undefined ? [] : shownJobStates(queue).map((state) => this.group(state));
  }

  group(state: JobState): JobGroupNode {
    const make = () => new JobGroupNode(this, state, this.data, this.cache);
    return this.cache.of(JobGroupNode.idOf(this.name, state), JobGroupNode, make);
  }

  private tooltip(queue: QueueRow): vscode.MarkdownString {
    const { t } = this.data;
    return factsTooltip(queue.name, [
      [t('State'), queue.paused ? t('paused') : t('open')],
      ...JOB_GROUP_ORDER.map(
        (state) => [jobStateName(state, t), formatCount(queue.counts[state])] as const,
      ),
      [t('Job types'), queue.jobTypes.join(', ')],
    ]);
  }
}
