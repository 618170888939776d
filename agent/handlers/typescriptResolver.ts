import { statSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What people import without an extension, in the order in which it is looked for. */
const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'];

/** TypeScript lets people import the name that the compiled file would have. */
const SOURCE_OF: Record<string, string> = {
  '.js': '.ts',
  '.mjs': '.mts',
  '.cjs': '.cts',
  '.jsx': '.ts',
};

/**
 * The file that a TypeScript author means by a path that Node can not resolve: `./x.js` for x.ts,
 * `./x` for x.ts, `./folder` for folder/index.ts.
 * @param isFile whether there is a file of that path
 */
export function findSourceFile(
  path: string,
  isFile: (path: string) => boolean = fileExists,
): string | undefined {
  const [, stem, extension] = /^(.*)(\.[cm]?jsx?)$/.exec(path) ?? [];
  const source = extension === undefined ? undefined : SOURCE_OF[extension];
  const candidates = [
    ...(stem === undefined || source === undefined ? [] : [stem + source]),
    ...EXTENSIONS.map((each) => path + each),
    ...EXTENSIONS.map((each) => `${path.replace(/[\\/]$/, '')}/index${each}`),
  ];
  return candidates.find(isFile);
}

/**
 * The URL to try after `specifier` could not be resolved.
 * @param error what Node threw: for a package it tells the URL that it looked at
 */
export function fallbackUrl(
  specifier: string,
  parentUrl: string | undefined,
  error: unknown,
): string | undefined {
  const wanted = wantedUrl(specifier, parentUrl, error);
  if (wanted?.protocol !== 'file:') return undefined;
  const found = findSourceFile(fileURLToPath(new URL(wanted.pathname, wanted)));
  return found === undefined ? undefined : pathToFileURL(found).href + wanted.search;
}

function wantedUrl(
  specifier: string,
  parentUrl: string | undefined,
  error: unknown,
): URL | undefined {
  try {
    if (/^\.{0,2}[\\/]|^file:|^\.{1,2}$/.test(specifier)) return new URL(specifier, parentUrl);
    const tried = error instanceof Error && 'url' in error ? error.url : undefined;
    return typeof tried === 'string' ? new URL(tried) : undefined;
  } catch {
    return undefined;
  }
}

function fileExists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
