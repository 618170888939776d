import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONFIG_FILE } from '../../agent/config/load.ts';
import { makeTemporaryFolder } from './temporaryFolder.ts';

/** This checkout: where package.json and dist/ are. */
export const PROJECT_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** A folder with a config and handlers, and a state folder that no other test shares. */
export interface TestWorkspace {
  readonly folder: string;
  readonly stateFolder: string;
  write(file: string, text: string): void;
  writeConfig(config: unknown): void;
  remove(): void;
}

/**
 * Makes a workspace. Packages resolve as in this project.
 * @param config is written to the config file; left out, there is none
 * @param files texts by path, such as `{ 'jobs/wait.ts': WAIT_HANDLER }`
 */
export function makeWorkspace(config?: unknown, files: Record<string, string> = {}): TestWorkspace {
  const temporary = makeTemporaryFolder();
  const folder = path.join(temporary.path, 'w');
  const stateFolder = path.join(temporary.path, 's');
  const write = (file: string, text: string) => {
    const full = path.join(folder, file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
  };
  const writeConfig = (value: unknown) => write(CONFIG_FILE, JSON.stringify(value, null, 2));
  mkdirSync(folder);
  symlinkSync(
    path.join(PROJECT_ROOT, 'node_modules'),
    path.join(folder, 'node_modules'),
    'junction',
  );
  for (const [file, text] of Object.entries(files)) write(file, text);
  if (config !== undefined) writeConfig(config);
  return { folder, stateFolder, write, writeConfig, remove: () => temporary.remove() };
}

/** Returns what it was given. */
export const ECHO_HANDLER = `export default async (job) => ({ got: job.data });
`;

/** Runs until the file \`data.until\` exists, or its lease is lost; appends a line to \`data.trace\` at its start. */
export const WAIT_HANDLER = `import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
export default async (job, ctx) => {
  const data: { until: string; trace?: string } = job.data;
  if (data.trace !== undefined) appendFileSync(data.trace, \`\${process.pid} \${ctx.fence}\\n\`);
  while (!existsSync(data.until)) await delay(20, undefined, { signal: ctx.signal });
  return { waitedFor: data.until };
};
`;

/** Fails until the file \`data.cure\` exists. */
export const FAIL_HANDLER = `import { existsSync } from 'node:fs';
export default async (job) => {
  const data: { cure?: string } = job.data ?? {};
  if (data.cure !== undefined && existsSync(data.cure)) return { cured: true };
  throw new Error('the gate is shut');
};
`;
