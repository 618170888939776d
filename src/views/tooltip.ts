import * as vscode from 'vscode';
import type { TextAction } from '../present/remedyActions.ts';

/** A tooltip: a title, facts in a table without frills, and a closing line. All text is escaped. */
export function factsTooltip(
  title: string,
  facts: readonly (readonly [name: string, value: string])[],
  closing = '',
  actions: readonly TextAction[] = [],
): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString(undefined, true);
  // Only these commands, whatever text from elsewhere may say.
  if (actions.length > 0)
    tooltip.isTrusted = { enabledCommands: actions.map(({ command }) => command) };
  tooltip.appendMarkdown(`**${escapeMarkdown(title)}**\n\n`);
  const told = facts.filter(([, value]) => value !== '');
  if (told.length > 0) tooltip.appendMarkdown(`| | |\n| :-- | :-- |\n`);
  for (const [name, value] of told) {
    tooltip.appendMarkdown(
      `| ${escapeMarkdown(name)}&nbsp;&nbsp;&nbsp; | ${escapeMarkdown(value)} |\n`,
    );
  }
  if (closing !== '') tooltip.appendMarkdown(`\n${escapeMarkdown(closing)}\n`);
  const links = actions.map(({ title, command, argument }) => {
    const query = encodeURIComponent(JSON.stringify([argument]));
    // Parentheses would end the link.
    const uri = `command:${command}?${query.replace(/[()]/g, (sign) => (sign === '(' ? '%28' : '%29'))}`;
    return `[${escapeMarkdown(title)}](${uri})`;
  });
  if (links.length > 0) tooltip.appendMarkdown(`\n${links.join(' · ')}\n`);
  return tooltip;
}

/** Text from elsewhere is text: no links, no images, no table that ends early. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-!|<>~$&]/g, (sign) => `\\${sign}`)
    .replace(/\s*\n\s*/g, '  ');
}
