import type * as vscode from 'vscode';
import { contextValueOf } from '../../contributions.ts';
import type { DecisionRun } from '../../model/decisionRuns.ts';
import { formatClockTime, formatCount } from '../../present/age.ts';
import { decisionHead, reasonPhrase } from '../../present/decisionText.ts';
import { joined } from '../../present/jobText.ts';
import { decisionIcon } from '../icons.ts';
import type { NodeCache } from '../nodeCache.ts';
import { factsTooltip } from '../tooltip.ts';
import type { TreeNode, ViewData } from '../treeNode.ts';
import { DecisionNode } from './decisionNode.ts';
import { goneRow, row } from './row.ts';

/** The same answer several times in a row. */
export class DecisionRunNode implements TreeNode {
  readonly parent = undefined;
  readonly ticks = false;
  private decisions: DecisionRun['decisions'] = [];

  constructor(
    private readonly runId: string,
    private readonly data: ViewData,
    private readonly cache: NodeCache,
  ) {}

  static idOf(runId: string): string {
    return `decisions/${runId}`;
  }

  get id(): string {
    return DecisionRunNode.idOf(this.runId);
  }

  hold({ decisions }: DecisionRun): this {
    this.decisions = decisions;
    return this;
  }

  render(): vscode.TreeItem {
    const [newest] = this.decisions;
    const oldest = this.decisions.at(-1);
    if (newest === undefined || oldest === undefined)
      return goneRow(this.runId, contextValueOf('decisionRun'));
    const { t, time } = this.data;
    const at = (iso: string) => formatClockTime(iso, time.now());
    const count = formatCount(this.decisions.length);
    const head = decisionHead(newest, t);
    const last = t('last {0}', at(newest.at));
    const why = newest.outcome === 'accepted' ? '' : reasonPhrase(newest.reason, t);
    return row({
      label: head,
      description: joined([`${count}×`, newest.outcome, last, why]),
      icon: decisionIcon(newest.outcome),
      contextValue: contextValueOf('decisionRun'),
      tooltip: factsTooltip(head, [
        [t('Times'), count],
        [t('Outcome'), newest.outcome],
        [t('Reason'), `${newest.reason}: ${reasonPhrase(newest.reason, t)}`],
        [t('First'), at(oldest.at)],
        [t('Last'), at(newest.at)],
      ]),
      spoken: joined([head, t('{0} times', count), newest.outcome, why, last]),
      collapsible: 'collapsed',
      stale: this.data.isStale(),
    });
  }

  children(): DecisionNode[] {
    return this.decisions.map(({ id }) => {
      const make = () => new DecisionNode(this, id, this.data);
      return this.cache.of(DecisionNode.idOf(this, id), DecisionNode, make);
    });
  }
}
