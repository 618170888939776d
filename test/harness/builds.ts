import * as path from 'node:path';
import { PROTOCOL_VERSION } from '../../agent/protocol/version.ts';
import { copyPatched, type BuildPatch } from './patchedBuild.ts';
import { PROJECT_ROOT } from './workspace.ts';

/** What `npm run build` makes: where it lies, and which protocol its programs speak. */
export interface Build {
  readonly folder: string;
  readonly protocol: number;
}

/** The one of this checkout. */
export const BUILD: Build = {
  folder: path.join(PROJECT_ROOT, 'dist'),
  protocol: PROTOCOL_VERSION,
};

const OLD_PROTOCOL = PROTOCOL_VERSION - 1;

/** The bundler writes the number wherever the constant stands. */
const PATCHES: readonly BuildPatch[] = [
  {
    files: /^(agent|cli)\.js$/,
    find: new RegExp(String.raw`\bprotocol:${PROTOCOL_VERSION}\b`, 'g'),
    replace: `protocol:${OLD_PROTOCOL}`,
  },
  {
    // Whether it takes the hello of a client.
    files: /^agent\.js$/,
    find: new RegExp(
      String.raw`!==${PROTOCOL_VERSION}\)(throw [\w$]+\([\w$]+,[\w$]+\.kind\))`,
      'g',
    ),
    replace: `!==${OLD_PROTOCOL})$1`,
  },
  {
    files: /^agent\.js$/,
    find: `agent speaks protocol \${${PROTOCOL_VERSION}}`,
    replace: `agent speaks protocol ${OLD_PROTOCOL}`,
  },
  // Another text is another script: Redis knows those of both builds side by side.
  { files: /\.lua$/, find: /$/g, replace: '\n-- of the older build\n' },
];

/**
 * A copy of the build that differs as an older one does: in its protocol and in every Lua script.
 * @throws Error when the build does not hold what is to differ
 */
export function makeOlderBuild(folder: string): Build {
  copyPatched(BUILD.folder, folder, PATCHES);
  return { folder, protocol: OLD_PROTOCOL };
}
