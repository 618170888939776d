import { readFileSync } from 'node:fs';
import {
  declaredFormat,
  formatBySyntax,
  isTypeScript,
  mayBeModule,
  PackageTypes,
  type ModuleFormat,
} from './moduleFormat.ts';
import { TypeStripper } from './stripTypes.ts';

/** Reads TypeScript files as JavaScript that Node can run. */
export class TypeScriptSource {
  readonly #packageTypes = new PackageTypes();
  readonly #stripper: TypeStripper;

  /** @param programFolder where our own bundle lies */
  constructor(programFolder: string, withMaps = false) {
    this.#stripper = new TypeStripper(programFolder, withMaps);
  }

  /** @throws SyntaxError with the place, or the error of reading the file */
  read(path: string): { code: string; format: ModuleFormat } {
    const code = this.#stripper.strip(path, readFileSync(path, 'utf8'));
    return { code, format: this.#declared(path) ?? formatBySyntax(code) };
  }

  /** Reads a file once ahead, so that what reads TypeScript is there when the file is loaded. */
  warmUp(path: string): void {
    if (!isTypeScript(path)) return;
    try {
      this.read(path);
    } catch {
      // Whoever loads it is told.
    }
  }

  /** As `read`, but without the code of what is surely CommonJS: that needs no stripping. */
  readModule(path: string): { code: string } | undefined {
    const declared = this.#declared(path);
    if (declared === 'commonjs') return undefined;
    const source = readFileSync(path, 'utf8');
    if (declared === undefined && !mayBeModule(source)) return undefined;
    const code = this.#stripper.strip(path, source);
    return (declared ?? formatBySyntax(code)) === 'module' ? { code } : undefined;
  }

  #declared(path: string): ModuleFormat | undefined {
    return declaredFormat(path, this.#packageTypes.typeFor(path));
  }
}
