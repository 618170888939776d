import assert from 'node:assert/strict';
import { TypeStripper } from '../../../../agent/handlers/stripTypes.ts';

describe('TypeStripper', () => {
  const stripper = new TypeStripper(import.meta.dirname);
  const strip = (source: string) => stripper.strip('/a/x.ts', source);

  it('keeps every line and column', () => {
    const source = 'const a: number = 1;\nexport default <T>(x: T): T => { return x as T; };\n';
    const code = strip(source);
    assert.equal(code.length, source.length);
    assert.equal(code.indexOf('return'), source.indexOf('return'));
    assert.doesNotMatch(code, /number|sourceMappingURL/);
  });

  it('leaves imports in place whose names are used', () => {
    const source = "import { a } from './a.ts';\nimport type { B } from './b.ts';\na;";
    assert.match(strip(source), /^import \{ a \} from '\.\/a\.ts';\n +\na;$/);
  });

  it('drops an import that only names types', () => {
    const code = strip(
      "import { Job, run } from './a.ts';\nexport default (job: Job) => run(job);",
    );
    assert.doesNotMatch(code, /\bJob\b/);
    assert.match(code, /sourceMappingURL=data:/);
  });

  for (const source of ['enum A { B }', 'class A { constructor(private b: number) {} }']) {
    it(`rewrites, with a source map: ${source}`, () => {
      assert.match(strip(source), /\n\/\/# sourceMappingURL=data:application\/json;base64,/);
    });
  }

  it('tells the place of what it can not read', () => {
    assert.throws(
      () => strip('const a = 1;\nconst b: = 2;'),
      (error: Error) => {
        assert.equal(error.name, 'SyntaxError');
        assert.match(String(error.stack), /^\/a\/x\.ts:2:10\n/);
        return true;
      },
    );
  });
});
