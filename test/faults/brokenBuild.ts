import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

interface Patch {
  /** Which files of the build may hold it. */
  files: RegExp;
  find: string;
  replace: string;
}

/** What can be taken out of a copy of the build, to see that the checker finds it missing. */
const BREAKS = {
  /** Each run gets the same token, so the resource can not tell them apart. */
  fence: [{ files: /^nextFence\.lua$/, find: 'return fence', replace: "return '1'" }],
  /** Jobs come in without a look at their key. */
  unique: [
    {
      ...{ files: /^enqueue\.lua$/, find: "elseif rule ~= '' then" },
      replace: 'elseif false then',
    },
    {
      files: /^agent\.js$/,
      find: "local deduplicationId = deduplicationOpts and deduplicationOpts['id']",
      replace: 'local deduplicationId = nil',
    },
  ],
  /** Jobs come in without a look at how many there are. */
  limit: [{ files: /^enqueue\.lua$/, find: 'if taken >= limit then', replace: 'if false then' }],
} satisfies Record<string, Patch[]>;

export type BreakName = keyof typeof BREAKS | 'resource';

export const BREAK_NAMES: BreakName[] = [...(Object.keys(BREAKS) as BreakName[]), 'resource'];

/**
 * Copies a build, so that others may build anew meanwhile, and takes a check out of it.
 * @throws Error when what is to be taken out is not there: then nothing would be shown
 */
export function copyBuild(dist: string, to: string, broken: BreakName | undefined): void {
  cpSync(dist, to, { recursive: true });
  if (broken === undefined || broken === 'resource') return;
  for (const patch of BREAKS[broken]) apply(patch, to);
}

function apply(patch: Patch, folder: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    patch.files.test(path.basename(file)),
  );
  let changed = 0;
  for (const file of files) {
    const full = path.join(folder, file);
    const text = readFileSync(full, 'utf8');
    const broken = text.replaceAll(patch.find, patch.replace);
    if (broken === text) continue;
    writeFileSync(full, broken);
    changed += 1;
  }
  if (changed === 0) throw new Error(`Nothing to break: ${patch.find} is in no ${patch.files}.`);
}
