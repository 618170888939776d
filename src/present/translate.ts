/** `vscode.l10n.t` in the editor; text modules take it, so that they run without one. */
export type Translate = (message: string, ...args: (string | number | boolean)[]) => string;
