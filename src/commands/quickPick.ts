import * as vscode from 'vscode';

export interface Choice<T> {
  label: string;
  description?: string;
  value: T;
}

/** @returns undefined when the person turned away */
export async function pickOne<T>(
  title: string,
  choices: readonly Choice<T>[],
): Promise<T | undefined> {
  const chosen = await vscode.window.showQuickPick([...choices], {
    title,
    matchOnDescription: true,
  });
  return chosen?.value;
}

/** @returns an empty list when the person turned away */
export async function pickMany<T>(title: string, choices: readonly Choice<T>[]): Promise<T[]> {
  const options = { title, matchOnDescription: true, canPickMany: true } as const;
  const chosen = await vscode.window.showQuickPick([...choices], options);
  return (chosen ?? []).map(({ value }) => value);
}

/** The rows of one kind that a command was invoked on: the selection, or the row alone. */
export function nodesOf<N>(
  kind: new (...args: never[]) => N,
  node: unknown,
  selection: readonly unknown[],
): N[] {
  const chosen = selection.filter((one): one is N => one instanceof kind);
  if (chosen.length > 0) return chosen;
  return node instanceof kind ? [node] : [];
}
