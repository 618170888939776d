import * as vscode from 'vscode';
import { staleIcon } from '../icons.ts';

export interface RowFields {
  label: string;
  description: string;
  icon: vscode.ThemeIcon | undefined;
  contextValue: string;
  tooltip?: vscode.MarkdownString;
  /** What a screen reader says; the label and the description unless told otherwise. */
  spoken?: string;
  collapsible?: 'collapsed' | 'expanded';
  command?: vscode.Command;
  stale: boolean;
}

/** The one way in which rows are made: every row has a tooltip, a spoken label and a stale look. */
export function row(fields: RowFields): vscode.TreeItem {
  const item = new vscode.TreeItem(fields.label, collapsibleState(fields.collapsible));
  item.description = fields.description;
  item.contextValue = fields.contextValue;
  item.tooltip = fields.tooltip ?? new vscode.MarkdownString(undefined).appendText(fields.label);
  item.accessibilityInformation = {
    label: fields.spoken ?? `${fields.label}, ${fields.description}`,
  };
  if (fields.icon !== undefined) {
    item.iconPath = fields.stale ? staleIcon(fields.icon) : fields.icon;
  }
  if (fields.command !== undefined) item.command = fields.command;
  return item;
}

function collapsibleState(state: RowFields['collapsible']): vscode.TreeItemCollapsibleState {
  if (state === undefined) return vscode.TreeItemCollapsibleState.None;
  return state === 'collapsed'
    ? vscode.TreeItemCollapsibleState.Collapsed
    : vscode.TreeItemCollapsibleState.Expanded;
}

/** For the moment between a row's end and the redrawing of its list. */
export function goneRow(label: string, contextValue: string): vscode.TreeItem {
  return row({ label, description: '', icon: undefined, contextValue, stale: true });
}
