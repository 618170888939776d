import { mkdirSync, symlinkSync } from 'node:fs';
import * as path from 'node:path';
import { transformSync } from 'esbuild';
import type { TestWorkspace } from './workspace.ts';

const ESM = `interface Job { data: { a: number; b: number } }

export default async (job: Job, ctx: { fence: number }) => {
  let sum: number = job.data.a + job.data.b;
  return { sum, fence: ctx.fence > 0 };
};
`;

const COMMON = `type Job = { data: { a: number; b: number } };
module.exports = async (job: Job) => {
  let sum = job.data.a + job.data.b;
  return { sum };
};
`;

const PLAIN = `export default async (job) => {
  let sum = job.data.a + job.data.b;
  return { sum };
};
`;

/** Compiled, its lines are elsewhere. */
const COMPILED = `enum Kind { Plain, Other }

interface Job { data: { a: number; b: number } }


export default async (job: Job) => {
  let sum: number = job.data.a + job.data.b + Kind.Plain;
  return { sum };
};
`;

const LINKED = `import { sumOf } from 'sums';
export default async (job: { data: { a: number; b: number } }) => ({ sum: sumOf(job.data) });
`;

const SUMS = `export interface Pair { a: number; b: number }
export function sumOf(pair: Pair): number {
  let sum = pair.a + pair.b;
  if (pair.a < 0) sum = 0;
  return sum;
}
`;

/** What `debug_common` takes. */
const PAIR = {
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
};

/** Writes them all. */
export function writeDebugHandlers(workspace: TestWorkspace): void {
  workspace.write('debug/esm.ts', ESM);
  workspace.write('debug/common.cts', COMMON);
  workspace.write('debug/plain.js', PLAIN);
  workspace.write('debug/pair.json', JSON.stringify(PAIR));
  workspace.write('debug/linked.ts', LINKED);
  workspace.write('debug/compiled/src/handler.ts', COMPILED);
  const { code, map } = transformSync(COMPILED, {
    ...{ loader: 'ts', sourcemap: 'external', sourcefile: '../src/handler.ts' },
  });
  workspace.write('debug/compiled/dist/handler.js.map', map);
  workspace.write('debug/compiled/dist/handler.js', `${code}//# sourceMappingURL=handler.js.map\n`);
  workspace.write('packages/sums/index.ts', SUMS);
  workspace.write(
    'packages/sums/package.json',
    JSON.stringify({ name: 'sums', type: 'module', exports: './index.ts' }),
  );
  const modules = path.join(workspace.folder, 'debug', 'node_modules');
  mkdirSync(modules);
  symlinkSync(path.join(workspace.folder, 'packages', 'sums'), path.join(modules, 'sums'), 'dir');
}
