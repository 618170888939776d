import type * as vscode from 'vscode';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { COMMANDS, contextValueOf } from '../../contributions.ts';
import { remediesOf } from '../../model/remedies.ts';
import { formatClockTime } from '../../present/age.ts';
import {
  decisionHead,
  decisionSentence,
  decisionShort,
  reasonPhrase,
} from '../../present/decisionText.ts';
import { describeHolder } from '../../present/holderText.ts';
import { joined } from '../../present/jobText.ts';
import { remedyActions } from '../../present/remedyActions.ts';
import { decisionIcon } from '../icons.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { goneRow, row } from './row.ts';

export class DecisionNode implements TreeNode {
  readonly ticks = false;

  constructor(
    readonly parent: TreeNode | undefined,
    readonly key: string,
    private readonly data: ViewData,
  ) {}

  static idOf(parent: TreeNode | undefined, key: string): string {
    return `${parent?.id ?? 'decisions'}/${key}`;
  }

  get id(): string {
    return DecisionNode.idOf(this.parent, this.key);
  }

  get decision(): Decision | undefined {
    return this.data.decisions.find(this.key);
  }

  render(): vscode.TreeItem {
    const { decision } = this;
    if (decision === undefined) return goneRow(this.key, contextValueOf('decision'));
    const { t, time } = this.data;
    const nowMs = time.now();
    const at = formatClockTime(decision.at, nowMs);
    const short = decisionShort(decision, nowMs, t);
    // Below a run the row above says what was asked for: here it is about when.
    const inRun = this.parent !== undefined;
    return row({
      label: inRun ? at : decisionHead(decision, t),
      description: inRun ? short : joined([at, short]),
      icon: decisionIcon(decision.outcome),
      contextValue: this.contextValue(decision),
      tooltip: this.tooltip(decision),
      spoken: `${decisionSentence(decision, nowMs, t)}, ${at}`,
      command: { command: COMMANDS.decisionShow, title: t('Show Decision'), arguments: [this] },
      stale: this.data.isStale(),
    });
  }

  children(): TreeNode[] {
    return [];
  }

  private contextValue(decision: Decision): string {
    const { job, lock, rule, failedJob } = remediesOf(decision, this.data.store, this.data.locks);
    const marks = [
      job === undefined ? [] : (['job'] as const),
      lock === undefined ? [] : (['lock'] as const),
      rule === undefined ? [] : (['rule'] as const),
      failedJob === undefined ? [] : (['failed'] as const),
    ].flat();
    return contextValueOf('decision', ...marks);
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
      remedyActions(decision, this.data, t),
    );
  }
}
