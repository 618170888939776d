import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';

/** Where translators find every text of the extension's code. */
const BUNDLE = 'l10n/bundle.l10n.json';

/** `t('…'` and `l10n.t("…"`: the texts are literals, so that they can be found. */
const CALL = /\bt\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;

function textsInCode(): string[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(path.join('src', file), 'utf8'));
  const found = files.flatMap((source) =>
    [...source.matchAll(CALL)].map(([, single, double]) => single ?? double ?? ''),
  );
  return [...new Set(found)].sort();
}

describe('translations', () => {
  it('have every text of the code, and no other', () => {
    const bundle = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(BUNDLE, 'utf8')));
    assert.deepEqual(Object.keys(bundle).sort(), textsInCode());
  });
});
