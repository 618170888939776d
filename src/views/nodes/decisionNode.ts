import type * as vscode from 'vscode';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { COMMANDS, contextValueOf } from '../../contributions.ts';
import { formatClockTime } from '../../present/age.ts';
import {
  decisionHead,
  decisionSentence,
  decisionTail,
  reasonPhrase,
} from '../../present/decisionText.ts';
import { describeHolder } from '../../present/holderText.ts';
import { decisionIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

export class DecisionNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = false;

  constructor(
    readonly key: string,
    private readonly data: ViewData,
  ) {}

  static idOf(key: string): string {
    return `decisions/${key}`;
  }

  get id(): string {
    return DecisionNode.idOf(this.key);
  }

  get decision(): Decision | undefined {
    return this.data.store.rows('decisions').get(this.key);
  }

  render(): vscode.TreeItem {
    const { decision } = this;
    if (decision === undefined) return goneRow(this.key, contextValueOf('decision'));
    const { t, time } = this.data;
    const nowMs = time.now();
    return row({
      label: decisionHead(decision, t),
      description: `${decisionTail(decision, nowMs, t)} · ${formatClockTime(decision.at, nowMs)}`,
      icon: decisionIcon(decision.outcome),
      contextValue: contextValueOf('decision'),
      tooltip: this.tooltip(decision),
      spoken: decisionSentence(decision, nowMs, t),
      command: { command: COMMANDS.decisionShow, title: t('Show Decision'), arguments: [this] },
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return [];
  }

  private tooltip(decision: Decision): vscode.MarkdownString {
    const { t, time } = this.data;
    const { survivor, holder } = decision;
    const at = (iso: string | null) => (iso === null ? '' : formatClockTime(iso, time.now()));
    return factsTooltip(
      decisionHead(decision, t),
      [
        [t('At'), at(decision.at)],
        [t('Outcome'), decision.outcome],
        [t('Reason'), `${decision.reason}: ${reasonPhrase(decision.reason, t)}`],
        [t('Key'), decision.key ?? ''],
        [t('Job'), decision.jobId ?? ''],
        [t('Survivor'), survivor === null ? '' : `${survivor.jobId} (${survivor.state})`],
        [t('Since'), at(survivor?.since ?? null)],
        [t('Holder'), holder === null ? '' : describeHolder(holder, t)],
        [t('Until'), at(decision.until)],
      ],
      decision.remedy ?? '',
    );
  }
}
