import { existsSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';

export const CONFIG_FILE = 'interlock.config.json';

/** The folder that Interlock works on: the first one with a config file, else the first one. */
export function chooseFolder(
  folders: readonly vscode.WorkspaceFolder[] | undefined,
): vscode.WorkspaceFolder | undefined {
  const local = (folders ?? []).filter((folder) => folder.uri.scheme === 'file');
  return local.find((folder) => hasConfig(folder)) ?? local[0];
}

export function hasConfig(folder: vscode.WorkspaceFolder | undefined): boolean {
  return folder !== undefined && existsSync(path.join(folder.uri.fsPath, CONFIG_FILE));
}

export function configUri(folder: vscode.WorkspaceFolder): vscode.Uri {
  return vscode.Uri.joinPath(folder.uri, CONFIG_FILE);
}
