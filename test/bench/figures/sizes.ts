import { existsSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { limitRow, unmeasuredRow, type Row } from './row.ts';

const SIZES = [
  { file: 'extension.js', limitKb: 300 },
  { file: 'agent.js', limitKb: 2_000 },
];
const ACTIVATION_BAR_MS = 50;

/** Written by the extension-host tests, which run the extension in a real VS Code. */
const activation = z.object({ activationMs: z.number(), vscode: z.string().optional() });

export function measureSizes(root: string): Row[] {
  return SIZES.map(({ file, limitKb }) => {
    const full = path.join(root, 'dist', file);
    if (!existsSync(full)) return unmeasuredRow(`size of ${file}`, `≤ ${limitKb} kB`, 'not built');
    return limitRow(`size of ${file}`, statSync(full).size / 1_000, limitKb, 'kB');
  });
}

export function readActivation(root: string): Row {
  const figure = 'activation of the extension';
  const file = path.join(root, 'test-results', 'activation.json');
  if (!existsSync(file)) {
    return unmeasuredRow(
      figure,
      `≤ ${ACTIVATION_BAR_MS} ms`,
      'Run the extension-host tests first: they write it to test-results/activation.json.',
    );
  }
  const { activationMs, vscode } = activation.parse(JSON.parse(readFileSync(file, 'utf8')));
  const note = `From the last run of the extension-host tests${vscode === undefined ? '' : `, VS Code ${vscode}`}.`;
  return limitRow(figure, activationMs, ACTIVATION_BAR_MS, 'ms', note);
}
