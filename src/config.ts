import * as vscode from 'vscode';
import { SETTINGS, SETTINGS_SECTION } from './contributions.ts';

const DEFAULT_IDLE_EXIT_S = 30;

export interface Settings {
  /** undefined: the config file or a private server decides. */
  redisUrl: string | undefined;
  /** undefined: the editor's own Node. */
  nodePath: string | undefined;
  /** undefined: the default folder of this user and workspace. */
  stateFolder: string | undefined;
  autoStart: boolean;
  agentIdleExitMs: number;
  /** Switches of deduplication by their environment variable; what is left out is as the config says. */
  switches: Readonly<Record<string, boolean>>;
}

/** The agent reads them from its environment. */
const SWITCH_VARIABLES = {
  [SETTINGS.deduplication]: 'INTERLOCK_JOB_DEDUPLICATION_ENABLED',
  [SETTINGS.aggressiveDeduplication]: 'INTERLOCK_AGGRESSIVE_DEDUPLICATION_ENABLED',
  [SETTINGS.stackingPrevention]: 'INTERLOCK_JOB_STACKING_PREVENTION_ENABLED',
} as const;

/** The only place that reads settings. */
export function readSettings(folder: vscode.WorkspaceFolder | undefined): Settings {
  const section = vscode.workspace.getConfiguration(SETTINGS_SECTION, folder?.uri);
  const text = (key: string) => {
    const value = section.get<string>(key, '').trim();
    return value === '' ? undefined : value;
  };
  return {
    redisUrl: text(SETTINGS.redisUrl),
    nodePath: text(SETTINGS.nodePath),
    stateFolder: text(SETTINGS.stateFolder),
    autoStart: section.get<boolean>(SETTINGS.autoStart, true),
    agentIdleExitMs: section.get<number>(SETTINGS.agentIdleExit, DEFAULT_IDLE_EXIT_S) * 1_000,
    switches: readSwitches(section),
  };
}

function readSwitches(section: vscode.WorkspaceConfiguration): Record<string, boolean> {
  const switches: Record<string, boolean> = {};
  for (const [setting, variable] of Object.entries(SWITCH_VARIABLES)) {
    const value = section.get<boolean | null>(setting, null);
    if (value !== null) switches[variable] = value;
  }
  return switches;
}

/** Settings that an agent gets when it starts: a change needs a restart. */
export const RESTART_SETTINGS: readonly string[] = [
  SETTINGS.redisUrl,
  SETTINGS.nodePath,
  SETTINGS.stateFolder,
  SETTINGS.agentIdleExit,
  SETTINGS.deduplication,
  SETTINGS.aggressiveDeduplication,
  SETTINGS.stackingPrevention,
].map((key) => `${SETTINGS_SECTION}.${key}`);
