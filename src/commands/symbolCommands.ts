import * as vscode from 'vscode';
import { symbolNames } from '../../agent/common/symbolNames.ts';
import { requests, type SymbolsChange } from '../../agent/protocol/api.ts';
import { COMMANDS, VIEWS } from '../contributions.ts';
import { formatCount } from '../present/age.ts';
import { describeSymbol } from '../present/connectionText.ts';
import { symbolsChangeText } from '../present/streamAnswers.ts';
import { SymbolNode } from '../views/nodes/symbolNode.ts';
import { SymbolsNode } from '../views/nodes/symbolsNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { nodesOf, pickMany } from './quickPick.ts';
import { chosenStreams } from './streamPicks.ts';
import { tellDecision } from './tell.ts';

type SymbolCommand = typeof COMMANDS.symbolsAdd | typeof COMMANDS.symbolsRemove;

/** So many are offered at one time; of more, a part of the name is asked for first. */
const OFFERED = 1_000;

export function symbolCommands(context: CommandContext): Pick<CommandHandlers, SymbolCommand> {
  return {
    [COMMANDS.symbolsAdd]: async (node) => {
      const title = vscode.l10n.t('Add Symbols');
      const name = await chosenStream(context, title, node);
      if (name === undefined) return;
      const symbols = await typedSymbols(title, name);
      if (symbols.length === 0) return;
      const change = await context.agent.client.request(requests.addSymbols, { name, symbols });
      await tellChange(context, name, change, 'added');
    },
    [COMMANDS.symbolsRemove]: async (node, selection) => {
      const title = vscode.l10n.t('Remove Symbols');
      for (const [name, symbols] of await chosenSymbols(context, title, node, selection)) {
        if (symbols.length === 0 || !(await confirmed(name, symbols))) continue;
        const params = { name, symbols };
        const change = await context.agent.client.request(requests.removeSymbols, params);
        await tellChange(context, name, change, 'removed');
      }
    },
  };
}

async function chosenStream(
  context: CommandContext,
  title: string,
  node: unknown,
): Promise<string | undefined> {
  if (node instanceof SymbolsNode || node instanceof SymbolNode) return node.stream;
  const [name] = await chosenStreams(context, title, 'any', node, []);
  return name;
}

async function typedSymbols(title: string, stream: string): Promise<string[]> {
  const text = await vscode.window.showInputBox({
    title: `${title}: ${stream}`,
    prompt: vscode.l10n.t('Symbols with commas or blanks between'),
    placeHolder: 'NSE:TCS25JULFUT, NSE:INFY25JULFUT',
    ignoreFocusOut: true,
  });
  return symbolNames(text ?? '');
}

/** By stream: those of the selected rows, or those that the person picks. */
async function chosenSymbols(
  context: CommandContext,
  title: string,
  node: unknown,
  selection: readonly unknown[],
): Promise<Map<string, string[]>> {
  const chosen = new Map<string, string[]>();
  const nodes = nodesOf(SymbolNode, node, selection);
  for (const { stream, symbol } of nodes)
    chosen.set(stream, [...(chosen.get(stream) ?? []), symbol]);
  if (nodes.length > 0) return chosen;
  const name = await chosenStream(context, title, node);
  if (name === undefined) return chosen;
  return chosen.set(name, await pickedSymbols(context, `${title}: ${name}`, name));
}

async function pickedSymbols(
  context: CommandContext,
  title: string,
  name: string,
): Promise<string[]> {
  const { client } = context.agent;
  let page = await client.request(requests.symbols, { name, limit: OFFERED, offset: 0 });
  if (page.total > OFFERED) {
    const search = await vscode.window.showInputBox({
      title,
      prompt: vscode.l10n.t('A part of their names: there are {0}', formatCount(page.total)),
      ignoreFocusOut: true,
    });
    if (search === undefined) return [];
    page = await client.request(requests.symbols, { name, search, limit: OFFERED, offset: 0 });
  }
  if (page.rows.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No symbol is like that.'));
    return [];
  }
  const { time, t } = context.data;
  const choices = page.rows.map((row) => ({
    label: row.symbol,
    description: describeSymbol(row, time.now(), t),
    value: row.symbol,
  }));
  return pickMany(title, choices);
}

async function confirmed(stream: string, symbols: readonly string[]): Promise<boolean> {
  const remove = vscode.l10n.t('Remove');
  const [only = ''] = symbols;
  const question =
    symbols.length === 1
      ? vscode.l10n.t('Remove {0} from {1}?', only, stream)
      : vscode.l10n.t('Remove {0} symbols from {1}?', formatCount(symbols.length), stream);
  const detail = vscode.l10n.t('No tick of them comes until they are added again.');
  const chosen = await vscode.window.showWarningMessage(question, { modal: true, detail }, remove);
  return chosen === remove;
}

/** What was refused or cut off is a warning; the rest is one sentence. */
async function tellChange(
  context: CommandContext,
  stream: string,
  change: SymbolsChange,
  verb: 'added' | 'removed',
): Promise<void> {
  context.explorer.redraw(VIEWS.streams, undefined);
  const { decision, changed, cut } = change;
  if (decision.outcome !== 'accepted' && changed.length === 0 && cut.length === 0)
    return tellDecision(context, decision);
  const text = symbolsChangeText(change, verb, stream, context.data.t);
  if (cut.length > 0) void vscode.window.showWarningMessage(text);
  else void vscode.window.showInformationMessage(text);
}
