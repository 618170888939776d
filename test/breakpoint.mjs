// `npm run test:breakpoint -- 30`: a breakpoint that is held for so many minutes, 10 if left out.
// Needs a build.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const minutes = Number(process.argv[2] ?? '10');
if (!Number.isFinite(minutes) || minutes <= 0) {
  console.error(`Not a number of minutes: ${process.argv[2]}`);
  process.exit(2);
}
const { status } = spawnSync(
  process.execPath,
  [
    ...['--import', 'tsx', 'node_modules/mocha/bin/mocha.js'],
    'test/process/debugging/heldBreakpoint.test.ts',
  ],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, INTERLOCK_HELD_MINUTES: String(minutes) },
  },
);
process.exitCode = status ?? 1;
