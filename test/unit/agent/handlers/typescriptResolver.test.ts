import assert from 'node:assert/strict';
import { fallbackUrl, findSourceFile } from '../../../../agent/handlers/typescriptResolver.ts';

describe('findSourceFile', () => {
  const find = (path: string, ...files: string[]) =>
    findSourceFile(path, (candidate) => files.includes(candidate));

  const found: [string, string[], string][] = [
    ['/a/x.js', ['/a/x.ts'], '/a/x.ts'],
    ['/a/x.mjs', ['/a/x.mts'], '/a/x.mts'],
    ['/a/x.cjs', ['/a/x.cts', '/a/x.ts'], '/a/x.cts'],
    ['/a/x', ['/a/x.js', '/a/x.ts'], '/a/x.ts'],
    ['/a/x', ['/a/x/index.ts', '/a/x.json'], '/a/x.json'],
    ['/a/x', ['/a/x/index.ts'], '/a/x/index.ts'],
    ['/a/x/', ['/a/x/index.mts'], '/a/x/index.mts'],
    ['/a/x.config', ['/a/x.config.ts'], '/a/x.config.ts'],
  ];
  for (const [path, files, expected] of found) {
    it(`${path} is ${expected} of ${files.join(', ')}`, () => {
      assert.equal(find(path, ...files), expected);
    });
  }

  it('finds nothing where nothing is', () => {
    assert.equal(find('/a/x.js', '/a/y.ts'), undefined);
  });
});

describe('fallbackUrl', () => {
  it('keeps the query of an import', () => {
    const here = new URL(import.meta.url);
    const url = fallbackUrl('./typescriptResolver.test.js?v=1', here.href, new Error('no'));
    assert.equal(url, `${new URL('./typescriptResolver.test.ts', here).href}?v=1`);
  });

  it('leaves packages alone that Node knows nothing about', () => {
    assert.equal(fallbackUrl('express', import.meta.url, new Error('no')), undefined);
    assert.equal(fallbackUrl('node:fs', import.meta.url, undefined), undefined);
  });

  it('looks where Node looked for the file of a package', () => {
    const tried = new URL('./typescriptResolver.test', import.meta.url).href;
    const error = Object.assign(new Error('no'), { url: tried });
    assert.equal(fallbackUrl('pkg/x', import.meta.url, error), `${tried}.ts`);
  });
});
