import type * as vscode from 'vscode';
import type { DebugRow } from '../../../agent/protocol/debug.ts';
import type { AgeLevel, JobRow, JobState } from '../../../agent/protocol/model.ts';
import { COMMANDS, contextValueOf } from '../../contributions.ts';
import { debugOf } from '../../model/debugOf.ts';
import { jobKey } from '../../model/jobKey.ts';
import { jobLevel } from '../../model/jobLevel.ts';
import { formatClockTime } from '../../present/age.ts';
import { debugFacts, debugText } from '../../present/debugText.ts';
import {
  describeJob,
  jobLabel,
  jobStateName,
  joined,
  jobTicks,
  outsideFacts,
  progressText,
} from '../../present/jobText.ts';
import { debugIcon, jobIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import type { JobGroupNode } from './jobGroupNode.ts';
import { goneRow, row } from './row.ts';

export class JobNode implements TreeNode {
  constructor(
    readonly parent: JobGroupNode,
    readonly queue: string,
    readonly jobId: string,
    private readonly data: ViewData,
  ) {}

  /** The state is part of the path: a job is listed in the group of its state. */
  static idOf(groupId: string, key: string): string {
    return `${groupId}/${key}`;
  }

  get key(): string {
    return jobKey({ queue: this.queue, id: this.jobId });
  }

  get id(): string {
    return JobNode.idOf(this.parent.id, this.key);
  }

  get job(): JobRow | undefined {
    return this.data.store.rows('jobs').get(this.key) ?? this.data.pages.find(this.key);
  }

  get ticks(): boolean {
    return this.job !== undefined && jobTicks(this.job);
  }

  render(): vscode.TreeItem {
    const { job } = this;
    if (job === undefined) return goneRow(this.jobId, contextValueOf('job', 'other'));
    const title = this.data.t('Show Job');
    return row({
      label: jobLabel(job),
      description: this.saysNow(),
      icon: this.debugged === undefined ? jobIcon(job.state, this.level(job)) : debugIcon(),
      contextValue: contextValueOf('job', markOf(job.state)),
      tooltip: this.tooltip(job),
      command: { command: COMMANDS.jobShow, title, arguments: [this] },
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { job } = this;
    if (job === undefined) return '';
    const { time, t } = this.data;
    const says = describeJob(job, time.now(), t, this.level(job));
    return joined([debugText(this.debugged, t), says]);
  }

  children(): TreeNode[] {
    return [];
  }

  private get debugged(): DebugRow | undefined {
    return debugOf(this.data.store, { queue: this.queue, id: this.jobId });
  }

  /** A person at a breakpoint takes the time that a person takes. */
  private level(job: JobRow): AgeLevel {
    if (this.debugged !== undefined) return 'normal';
    return jobLevel(job, this.data.time.now(), this.data.store.agent?.thresholds);
  }

  private tooltip(job: JobRow): vscode.MarkdownString {
    const { t, time } = this.data;
    const at = (iso: string | null) => (iso === null ? '' : formatClockTime(iso, time.now()));
    return factsTooltip(
      jobLabel(job),
      [
        [t('Job'), job.id],
        [t('Queue'), job.queue],
        [t('State'), jobStateName(job.state, t)],
        ...debugFacts(this.debugged, t),
        ...outsideFacts(job.outside, time.now(), t),
        [t('Key'), job.key ?? ''],
        [t('Payload'), job.dataPreview],
        [t('Attempts'), t('{0} of {1}', job.attemptsMade, job.maxAttempts)],
        [t('Progress'), progressText(job.progress)],
        [t('Created'), at(job.createdAt)],
        [t('Started'), at(job.startedAt)],
        [t('Ended'), at(job.finishedAt)],
        [t('Due'), at(job.dueAt)],
      ],
      job.failedReason ?? '',
    );
  }
}

function markOf(state: JobState): 'failed' | 'delayed' | 'active' | 'other' {
  return state === 'failed' || state === 'delayed' || state === 'active' ? state : 'other';
}
