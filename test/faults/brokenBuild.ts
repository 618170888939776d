import { copyPatched, type BuildPatch } from '../harness/patchedBuild.ts';

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
} satisfies Record<string, BuildPatch[]>;

export type BreakName = keyof typeof BREAKS | 'resource';

export const BREAK_NAMES: BreakName[] = [...(Object.keys(BREAKS) as BreakName[]), 'resource'];

/**
 * Copies a build, so that others may build anew meanwhile, and takes a check out of it.
 * @throws Error when what is to be taken out is not there: then nothing would be shown
 */
export function copyBuild(dist: string, to: string, broken: BreakName | undefined): void {
  const patches = broken === undefined || broken === 'resource' ? [] : BREAKS[broken];
  copyPatched(dist, to, patches);
}
