import * as vscode from 'vscode';

/** What a person answers, by what is asked. */
export interface Answers {
  /** The button of a question in the middle of the window. */
  button?: string;
  /** The text of an input box. */
  input?: string;
  /** Labels of the choices in lists, one after the other. */
  picks?: string[];
}

/** What was shown meanwhile. */
export interface Asked {
  /** Questions and messages with their details, in their order. */
  messages: string[];
  lists: string[][];
}

const PATCHED = [
  'showErrorMessage',
  'showWarningMessage',
  'showInformationMessage',
  'showInputBox',
  'showQuickPick',
] as const;

type Patched = Record<(typeof PATCHED)[number], unknown>;

/**
 * Answers for a person while `act` runs: a window under test refuses to show modal questions. The
 * real ones are answered in the e2e tests.
 */
export async function answering(answers: Answers, act: () => Thenable<unknown>): Promise<Asked> {
  const asked: Asked = { messages: [], lists: [] };
  const picks = [...(answers.picks ?? [])];
  const message = (text: string, options?: unknown, ...buttons: unknown[]) => {
    const detail = detailOf(options);
    asked.messages.push(detail === undefined ? text : `${text} ${detail}`);
    const pressed = buttons.includes(answers.button) ? answers.button : undefined;
    return Promise.resolve(detail === undefined ? undefined : pressed);
  };
  const window = vscode.window as unknown as Patched;
  const real = { ...window };
  window.showErrorMessage = message;
  window.showWarningMessage = message;
  window.showInformationMessage = message;
  window.showInputBox = () => Promise.resolve(answers.input);
  window.showQuickPick = async (
    items: Thenable<vscode.QuickPickItem[]>,
    options?: vscode.QuickPickOptions,
  ) => {
    const all = await items;
    asked.lists.push(all.map(({ label, detail }) => [label, detail ?? ''].join(' ').trim()));
    const wanted = picks.shift();
    const found = all.find(({ label }) => label === wanted);
    return options?.canPickMany === true && found !== undefined ? [found] : found;
  };
  try {
    await act();
  } finally {
    for (const name of PATCHED) window[name] = real[name];
  }
  return asked;
}

function detailOf(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null || !('modal' in options)) return undefined;
  return 'detail' in options ? String(options.detail) : '';
}
