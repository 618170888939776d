import * as vscode from 'vscode';

/** A tooltip: a title, facts in a table without frills, and a closing line. All text is escaped. */
export function factsTooltip(
  title: string,
  facts: readonly (readonly [name: string, value: string])[],
  closing = '',
): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString(undefined, true);
  tooltip.appendMarkdown(`**${escapeMarkdown(title)}**\n\n`);
  const told = facts.filter(([, value]) => value !== '');
  if (told.length > 0) tooltip.appendMarkdown(`| | |\n| :-- | :-- |\n`);
  for (const [name, value] of told) {
    tooltip.appendMarkdown(
      `| ${escapeMarkdown(name)}&nbsp;&nbsp;&nbsp; | ${escapeMarkdown(value)} |\n`,
    );
  }
  if (closing !== '') tooltip.appendMarkdown(`\n${escapeMarkdown(closing)}\n`);
  return tooltip;
}

/** Text from elsewhere is text: no links, no images, no table that ends early. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-!|<>~$&]/g, (sign) => `\\${sign}`)
    .replace(/\s*\n\s*/g, '  ');
}
