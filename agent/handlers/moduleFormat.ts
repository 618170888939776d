import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as z from 'zod';

export type ModuleFormat = 'module' | 'commonjs';

const packageFile = z.object({ type: z.string().optional().catch(undefined) });

/** Without one of these words a text is CommonJS, and need not be compiled to know it. */
const MODULE_WORDS = /\b(?:import|export|await)\b/;

const COMMONJS_PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

export function isTypeScript(path: string): boolean {
  return ['.ts', '.mts', '.cts'].includes(extname(path));
}

/** The format that the name and the package of a TypeScript file fix; undefined: its text decides. */
export function declaredFormat(
  path: string,
  packageType: string | undefined,
): ModuleFormat | undefined {
  const extension = extname(path);
  if (extension === '.mts') return 'module';
  if (extension === '.cts') return 'commonjs';
  // TypeScript with "type": "commonjs" is mostly written with `import` for a compiler that turns it
  // into `require`. As nobody compiles here, the text decides, as it does without a "type".
  return packageType === 'module' ? 'module' : undefined;
}

/** Whether the text may be an ES module, at no cost. */
export function mayBeModule(source: string): boolean {
  return MODULE_WORDS.test(source);
}

/**
 * Decides by syntax, much as Node does for JavaScript: what V8 can not compile as CommonJS is a
 * module.
 * @param code JavaScript whose syntax was found good, so that nothing else can be wrong with it
 */
export function formatBySyntax(code: string): ModuleFormat {
  if (!mayBeModule(code)) return 'commonjs';
  try {
    compileFunction(code, COMMONJS_PARAMETERS);
    return 'commonjs';
  } catch {
    return 'module';
  }
}

/** The "type" of the package.json that a file belongs to, remembered per folder. */
export class PackageTypes {
  readonly #byFolder = new Map<string, string | undefined>();

  typeFor(path: string): string | undefined {
    return this.#ofFolder(dirname(path));
  }

  #ofFolder(folder: string): string | undefined {
    if (this.#byFolder.has(folder)) return this.#byFolder.get(folder);
    const found = readPackage(join(folder, 'package.json'));
    const parent = dirname(folder);
    const isTop = parent === folder || folder.endsWith('node_modules');
    const type = found !== undefined ? found.type : isTop ? undefined : this.#ofFolder(parent);
    this.#byFolder.set(folder, type);
    return type;
  }
}

function readPackage(path: string): { type?: string | undefined } | undefined {
  try {
    const parsed = packageFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : {};
  } catch {
    return undefined;
  }
}
