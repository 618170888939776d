import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { median } from '../statistics.ts';
import { limitRow, unmeasuredRow, type Row } from './row.ts';

const activation = z.object({ activationMs: z.number(), vscode: z.string().optional() });
const debugging = z.object({ clickToStopMs: z.array(z.number()).min(1) });

/** What the extension-host tests wrote when they ran the extension in a real VS Code. */
export function readEditorFigures(root: string): Row[] {
  return [
    readFigure(root, 'activation of the extension', 50, 'activation.json', (found) => {
      const { activationMs, vscode } = activation.parse(found);
      return { ms: activationMs, note: vscode === undefined ? '' : `VS Code ${vscode}.` };
    }),
    readFigure(root, 'from Debug Job to the breakpoint, median', 2_000, 'debug.json', (found) => {
      const { clickToStopMs } = debugging.parse(found);
      const all = clickToStopMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ');
      return { ms: median(clickToStopMs), note: `The first one is cold: ${all}.` };
    }),
  ];
}

function readFigure(
  root: string,
  figure: string,
  barMs: number,
  name: string,
  read: (found: unknown) => { ms: number; note: string },
): Row {
  const file = path.join(root, 'test-results', name);
  if (!existsSync(file)) {
    const remedy = `Run the extension-host tests first: they write it to test-results/${name}.`;
    return unmeasuredRow(figure, `≤ ${barMs.toLocaleString('en-US')} ms`, remedy);
  }
  const { ms, note } = read(JSON.parse(readFileSync(file, 'utf8')));
  return limitRow(
    figure,
    ms,
    barMs,
    'ms',
    `From the last run of the extension-host tests. ${note}`.trim(),
  );
}
