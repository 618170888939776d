import type * as vscode from 'vscode';
import type { ScheduleRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { scheduleDetails, type ScheduleDetail } from '../../present/scheduleDetails.ts';
import { describeSchedule } from '../../present/scheduleText.ts';
import { scheduleIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { DetailNode } from './detailNode.ts';
import { goneRow, row } from './row.ts';

export class ScheduleNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = true;

  constructor(
    readonly name: string,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(name: string): string {
    return `schedules/${name}`;
  }

  get id(): string {
    return ScheduleNode.idOf(this.name);
  }

  private get schedule(): ScheduleRow | undefined {
    return this.data.store.rows('schedules').get(this.name);
  }

  render(): vscode.TreeItem {
    const { schedule } = this;
    if (schedule === undefined) return goneRow(this.name, contextValueOf('schedule', 'open'));
    const facts = this.details(schedule).map(({ label, text }) => [label, text] as const);
    return row({
      label: schedule.name,
      description: this.saysNow(),
      icon: scheduleIcon(schedule),
      contextValue: contextValueOf('schedule', markOf(schedule)),
      tooltip: factsTooltip(schedule.name, facts),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  saysNow(): string {
    const { schedule } = this;
    return schedule === undefined
      ? ''
      : describeSchedule(schedule, this.data.time.now(), this.data.t);
  }

  children(): TreeNode[] {
    const { schedule } = this;
    return schedule === undefined ? [] : this.details(schedule).map(({ id }) => this.detail(id));
  }

  private detail(detailId: string): DetailNode {
    const id = `${this.id}/${detailId}`;
    const read = () => {
      const now = this.schedule;
      return now && this.details(now).find((one) => one.id === detailId);
    };
    return this.cache.of(id, DetailNode, () => new DetailNode(id, this, read));
  }

  private details(schedule: ScheduleRow): ScheduleDetail[] {
    return scheduleDetails(schedule, this.data.time.now(), this.data.t);
  }
}

/** One of another program is only looked at. */
function markOf({ outside, pausedAt }: ScheduleRow): 'open' | 'paused' | 'outside' {
  if (outside !== undefined) return 'outside';
  return pausedAt === null ? 'open' : 'paused';
}
