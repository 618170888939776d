import { existsSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { limitRow, unmeasuredRow, type Row } from './row.ts';

const SIZES = [
  { file: 'extension.js', limitKb: 300 },
  { file: 'agent.js', limitKb: 2_000 },
];

export function measureSizes(root: string): Row[] {
  return SIZES.map(({ file, limitKb }) => {
    const full = path.join(root, 'dist', file);
    if (!existsSync(full)) return unmeasuredRow(`size of ${file}`, `≤ ${limitKb} kB`, 'not built');
    return limitRow(`size of ${file}`, statSync(full).size / 1_000, limitKb, 'kB');
  });
}
