import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  declaredFormat,
  formatBySyntax,
  PackageTypes,
} from '../../../../agent/handlers/moduleFormat.ts';

describe('declaredFormat', () => {
  it('follows the extension first, then "type": "module"', () => {
    assert.equal(declaredFormat('/a/x.mts', 'commonjs'), 'module');
    assert.equal(declaredFormat('/a/x.cts', 'module'), 'commonjs');
    assert.equal(declaredFormat('/a/x.ts', 'module'), 'module');
    assert.equal(declaredFormat('/a/x.ts', 'commonjs'), undefined);
    assert.equal(declaredFormat('/a/x.ts', undefined), undefined);
  });
});

describe('formatBySyntax', () => {
  const modules = [
    'import a from "a"',
    'export const a = 1',
    'const a = import.meta.url',
    'await 1',
    'for await (const a of []) a;',
    'const require = 1; export {}',
  ];
  for (const code of modules) {
    it(`takes for a module: ${code}`, () => assert.equal(formatBySyntax(code), 'module'));
  }
  const commonJs = [
    '',
    'module.exports = 1',
    'const { a } = require("a"); exports.b = a',
    'void import("a")',
    '// import a from "a"',
    'const text = "export default"; module.exports = async () => await 1',
  ];
  for (const code of commonJs) {
    it(`takes for CommonJS: ${code}`, () => assert.equal(formatBySyntax(code), 'commonjs'));
  }
});

describe('PackageTypes', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interlock-types-'));
    await mkdir(join(folder, 'inner/deep'), { recursive: true });
    await mkdir(join(folder, 'broken'));
    await mkdir(join(folder, 'node_modules/plain'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'inner/package.json'), '{ "type": "commonjs" }');
    await writeFile(join(folder, 'broken/package.json'), '{ "type": 7 }');
  });
  after(() => rm(folder, { recursive: true }));

  it('takes the nearest package.json, and none beyond node_modules', () => {
    const types = new PackageTypes();
    assert.equal(types.typeFor(join(folder, 'x.ts')), 'module');
    assert.equal(types.typeFor(join(folder, 'inner/deep/x.ts')), 'commonjs');
    assert.equal(types.typeFor(join(folder, 'broken/x.ts')), undefined);
    assert.equal(types.typeFor(join(folder, 'node_modules/plain/x.ts')), undefined);
  });
});
