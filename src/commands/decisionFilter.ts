import * as vscode from 'vscode';
import { decisionOutcome, type DecisionOutcome } from '../../agent/protocol/decision.ts';
import { VIEWS } from '../contributions.ts';
import type { DecisionFilter } from '../model/decisionList.ts';
import type { CommandContext } from './commandContext.ts';

interface FilterItem extends vscode.QuickPickItem {
  filter?: DecisionFilter;
}

/** Asks what to show: one choice narrows it by type or by outcome and leaves the other as it is. */
export async function chooseFilter(context: CommandContext): Promise<void> {
  const { decisions, store } = context.data;
  const { filter } = decisions;
  const streams = [...store.rows('streams').keys()];
  const types = (store.agent?.jobTypes ?? []).map(({ name }) => name);
  const seen = [...store.rows('decisions').values()].map(({ subject }) => subject);
  const subjects = [...new Set([...types, ...streams, ...seen])].sort();
  const { outcome } = filter;
  const byOutcome = outcome === undefined ? {} : { outcome };
  const items: FilterItem[] = [
    { label: vscode.l10n.t('All decisions'), filter: {} },
    separator(vscode.l10n.t('Type')),
    ...subjects.map((subject) =>
      item(subject, subject === filter.subject, { ...byOutcome, subject }),
    ),
    separator(vscode.l10n.t('Outcome')),
    ...decisionOutcome.options.map((one: DecisionOutcome) =>
      item(one, one === outcome, { ...filter, outcome: one }),
    ),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Filter Decisions'),
    placeHolder: vscode.l10n.t('What to show: a type, an outcome, or one after the other'),
  });
  if (chosen?.filter !== undefined) await showFiltered(context, chosen.filter);
}

/** Shows them with what this window knows, and then with the first older ones. */
export async function showFiltered(context: CommandContext, filter: DecisionFilter): Promise<void> {
  const { decisions } = context.data;
  context.explorer.filterDecisions(filter);
  if (!decisions.isFiltered) return;
  await decisions.load(context.agent.client);
  context.explorer.redraw(VIEWS.decisions, undefined);
}

function item(label: string, isShown: boolean, filter: DecisionFilter): FilterItem {
  return isShown ? { label, filter, description: vscode.l10n.t('shown now') } : { label, filter };
}

function separator(label: string): FilterItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
