import type * as vscode from 'vscode';
import type { ScheduleRow } from '../../../agent/protocol/model.ts';
import { contextValueOf } from '../../contributions.ts';
import { formatClockTime } from '../../present/age.ts';
import { describeSchedule } from '../../present/scheduleText.ts';
import { scheduleIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

export class ScheduleNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = true;

  constructor(
    readonly name: string,
    private readonly data: ViewData,
  ) {}

  static idOf(name: string): string {
    return `schedules/${name}`;
  }

  get id(): string {
    return ScheduleNode.idOf(this.name);
  }

  render(): vscode.TreeItem {
    const schedule = this.data.store.rows('schedules').get(this.name);
    if (schedule === undefined) return goneRow(this.name, contextValueOf('schedule'));
    return row({
      label: schedule.name,
      description: describeSchedule(schedule, this.data.time.now(), this.data.t),
      icon: scheduleIcon(schedule),
      contextValue: contextValueOf('schedule'),
      tooltip: this.tooltip(schedule),
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return [];
  }

  private tooltip(schedule: ScheduleRow): vscode.MarkdownString {
    const { t, time } = this.data;
    const at = (iso: string | null) => (iso === null ? '' : formatClockTime(iso, time.now()));
    return factsTooltip(schedule.name, [
      [t('Job type'), schedule.job],
      [t('Rule'), schedule.rule],
      [t('Time zone'), schedule.timezone ?? ''],
      [t('Next slot'), at(schedule.nextSlotAt)],
      [t('Last slot'), at(schedule.lastSlotAt)],
      [t('Last outcome'), schedule.lastOutcome ?? ''],
      [t('Enqueued by'), schedule.lastBy ?? ''],
    ]);
  }
}
