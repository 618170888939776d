import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod';
import { identityMap } from './identityMap.ts';

/** The part of amaro that is used, and its options. */
type TransformSync = (
  source: string,
  options: {
    filename: string;
    mode: 'strip-only' | 'transform';
    sourceMap?: boolean;
    transform?: { verbatimModuleSyntax?: boolean };
  },
) => { code: string; map?: string };

/** How amaro says that it can not read a text: not an Error, a plain object. */
const parserProblem = z.object({
  code: z.string(),
  message: z.string(),
  snippet: z.string(),
  startLine: z.number(),
  startColumn: z.number(),
});

const amaroModule = z.object({
  transformSync: z.custom<TransformSync>((f) => typeof f === 'function'),
});

/** Only a file with such an import can name a type in it without saying so. */
const NAMED_IMPORT = /^\s*import\s+[^'"(]/m;

/** Turns TypeScript into JavaScript, without looking at any other file. */
export class TypeStripper {
  readonly #programFolder: string;
  readonly #withMaps: boolean;
  #transformSync: TransformSync | undefined;

  /**
   * @param programFolder where our own bundle lies; amaro is a file beside it, or a package in development
   * @param withMaps a debugger takes code whose text differs from its file for another file, unless a
   *   source map says where it comes from
   */
  constructor(programFolder: string, withMaps = false) {
    this.#programFolder = programFolder;
    this.#withMaps = withMaps;
  }

  /**
   * Blanks the types out, so that every line and column stays. Code that has to be rewritten
   * (enums, parameter properties, types imported without `type`) carries a source map instead.
   * @throws SyntaxError whose stack starts with `path:line:column`
   */
  strip(path: string, source: string): string {
    const transformSync = (this.#transformSync ??= loadAmaro(this.#programFolder));
    try {
      const stripped = transformSync(source, { filename: path, mode: 'strip-only' }).code;
      if (importsOnlyTypes(transformSync, path, source))
        return rewrite(transformSync, path, source);
      return this.#withMaps ? stripped + identityMap(path, stripped) : stripped;
    } catch (thrown) {
      const problem = parserProblem.safeParse(thrown);
      if (!problem.success) throw thrown;
      if (problem.data.code !== 'UnsupportedSyntax') throw syntaxError(path, problem.data);
    }
    try {
      return rewrite(transformSync, path, source);
    } catch (thrown) {
      const problem = parserProblem.safeParse(thrown);
      throw problem.success ? syntaxError(path, problem.data) : thrown;
    }
  }
}

/** 3.7 MB of WebAssembly, so only when a TypeScript file appears. */
function loadAmaro(programFolder: string): TransformSync {
  const require = createRequire(join(programFolder, 'amaro.js'));
  const beside = join(programFolder, 'amaro.js');
  return amaroModule.parse(require(existsSync(beside) ? beside : 'amaro')).transformSync;
}

/** Whether an import names something that is only used as a type: a name that no module has at run time. */
function importsOnlyTypes(transformSync: TransformSync, path: string, source: string): boolean {
  if (!NAMED_IMPORT.test(source)) return false;
  const transform = (verbatimModuleSyntax: boolean) =>
    transformSync(source, {
      filename: path,
      mode: 'transform',
      transform: { verbatimModuleSyntax },
    });
  return transform(true).code !== transform(false).code;
}

function rewrite(transformSync: TransformSync, path: string, source: string): string {
  const { code, map } = transformSync(source, {
    filename: path,
    mode: 'transform',
    sourceMap: true,
    transform: { verbatimModuleSyntax: false },
  });
  if (map === undefined) return code;
  const encoded = Buffer.from(map).toString('base64');
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}`;
}

function syntaxError(path: string, problem: z.infer<typeof parserProblem>): SyntaxError {
  const error = new SyntaxError(problem.message);
  error.stack = `${path}:${problem.startLine}:${problem.startColumn + 1}\n${problem.snippet}\n${error.stack ?? ''}`;
  return error;
}
