// The parts of `npm test`, in their order, and what each needs.
const mocha = (folder) => [
  ...['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', `test/${folder}/**/*.test.ts`],
  ...['--reporter', './test/harness/resultReporter.ts'],
  ...(process.stdout.isTTY ? [] : ['--no-color']),
  // Where nobody looks, a test that does not run is a failure.
  ...(process.env.CI ? ['--forbid-pending'] : []),
];

/**
 * Parts of one `lane` run one after the other, lanes side by side. `steps` are the parts of
 * .ci/setup.mjs; `commands` are for Node. A part without `reports` is one test: it passed when its
 * command ended with 0.
 */
export const TEST_PARTS = {
  lint: {
    lane: 'looks',
    steps: ['npm'],
    commands: [
      ['node_modules/eslint/bin/eslint.js', '.'],
      ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
    ],
    limitMs: 400_000,
  },
  types: {
    lane: 'looks',
    steps: ['npm'],
    commands: [['node_modules/typescript/bin/tsc', '--noEmit']],
    limitMs: 240_000,
  },
  unit: {
    lane: 'runs',
    steps: ['npm', 'build'],
    commands: [mocha('unit')],
    reports: true,
    limitMs: 120_000,
  },
  redis: {
    lane: 'runs',
    steps: ['npm', 'redis', 'build'],
    commands: [mocha('redis')],
    reports: true,
    limitMs: 400_000,
  },
  process: {
    lane: 'runs',
    steps: ['npm', 'redis', 'build'],
    commands: [mocha('process')],
    reports: true,
    limitMs: 650_000,
  },
  faults: {
    lane: 'looks',
    steps: ['npm', 'redis', 'build'],
    commands: [['--import', 'tsx', 'test/faults/run.ts', '--for', '2m']],
    limitMs: 300_000,
  },
  extension: {
    lane: 'looks',
    steps: ['npm', 'redis', 'build', 'chromium', 'vscode'],
    commands: [['--import', 'tsx', 'test/extension/runInHost.ts']],
    reports: true,
    limitMs: 450_000,
  },
  e2e: {
    lane: 'looks',
    steps: ['npm', 'redis', 'build', 'chromium', 'vscode'],
    commands: [[...mocha('e2e'), '--timeout', '90000']],
    reports: true,
    limitMs: 450_000,
  },
};
