import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../common/errors.ts';
import { CONFIG_FILE, loadConfig, type LoadedConfig } from './load.ts';

const POLL_INTERVAL_MS = 1_000;

/** Says when the config on disk is no longer the one in force, and what is wrong with it if anything. */
export class ConfigWatch {
  private currentTrouble: string | null = null;
  private readonly file: string;
  private readonly inForce: string;

  constructor(
    private readonly workspace: string,
    loaded: LoadedConfig,
    private readonly onChange: () => void,
  ) {
    this.file = path.join(workspace, CONFIG_FILE);
    this.inForce = loaded.file === null ? '' : readText(loaded.file);
    // Polling sees what editors do (write beside, then rename) on every platform and file system.
    watchFile(this.file, { interval: POLL_INTERVAL_MS, persistent: false }, () => this.check());
  }

  get trouble(): string | null {
    return this.currentTrouble;
  }

  close(): void {
    unwatchFile(this.file);
  }

  private check(): void {
    this.currentTrouble = this.describe();
    this.onChange();
  }

  private describe(): string | null {
    if (readText(this.file) === this.inForce) return null;
    try {
      loadConfig(this.workspace);
      return `${CONFIG_FILE} has changed. Restart the agent to apply it.`;
    } catch (error) {
      return messageOf(error);
    }
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
