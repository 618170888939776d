import type * as vscode from 'vscode';
import type { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { requests } from '../../../agent/protocol/api.ts';
import type { JobState } from '../../../agent/protocol/model.ts';
import { contextValueOf, VIEWS } from '../../contributions.ts';
import { jobGroupKey, jobKey } from '../../model/jobKey.ts';
import type { PageSource } from '../../model/pages.ts';
import { jobsOfGroup } from '../../model/selectors.ts';
import { formatCount } from '../../present/age.ts';
import { jobStateName } from '../../present/jobText.ts';
import { jobIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { JobNode } from './jobNode.ts';
import { LoadMoreNode } from './loadMoreNode.ts';
import type { QueueNode } from './queueNode.ts';
import { row } from './row.ts';

const PAGE_SIZE = 100;

/** The jobs of one queue in one state. */
export class JobGroupNode implements TreeNode, PageSource {
  readonly ticks = false;

  constructor(
    readonly parent: QueueNode,
    readonly state: JobState,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(queue: string, state: JobState): string {
    return `queues/${queue}/${state}`;
  }

  get id(): string {
    return JobGroupNode.idOf(this.parent.name, this.state);
  }

  /** How many jobs are in this state, by the queue's own count. */
  private get total(): number {
    return this.data.store.rows('queues').get(this.parent.name)?.counts[this.state] ?? 0;
  }

  get remaining(): number {
    return Math.max(0, this.total - this.known);
  }

  async load(client: AgentClient): Promise<void> {
    const { name: queue } = this.parent;
    const page = { offset: this.known, limit: PAGE_SIZE };
    const rows = await client.request(requests.jobs, { queue, state: this.state, ...page });
    this.data.pages.add(jobGroupKey(queue, this.state), rows);
  }

  /** How many of them are known here. */
  private get known(): number {
    return jobsOfGroup(this.data.store, this.data.pages, this.parent.name, this.state).length;
  }

  render(): vscode.TreeItem {
    const { t } = this.data;
    const label = jobStateName(this.state, t);
    const count = formatCount(this.total);
    return row({
      label,
      description: count,
      icon: jobIcon(this.state),
      contextValue: contextValueOf('jobGroup', this.state === 'failed' ? 'failed' : 'other'),
      tooltip: factsTooltip(label, [
        [t('Queue'), this.parent.name],
        [t('Jobs'), count],
      ]),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    const { store, pages } = this.data;
    const jobs: TreeNode[] = jobsOfGroup(store, pages, this.parent.name, this.state).map((job) =>
      this.job(job),
    );
    if (jobs.length < this.total) jobs.push(this.loadMore());
    return jobs;
  }

  job({ queue, id }: { queue: string; id: string }): JobNode {
    const make = () => new JobNode(this, queue, id, this.data);
    return this.cache.of(JobNode.idOf(this.id, jobKey({ queue, id })), JobNode, make);
  }

  private loadMore(): LoadMoreNode {
    const id = `${this.id}/more`;
    const make = () => new LoadMoreNode(id, VIEWS.jobs, this, this, this.data);
    return this.cache.of(id, LoadMoreNode, make);
  }
}
