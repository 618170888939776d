// The parts of `npm test`, in the order in which they begin, and what each needs.

/** Of the tests with processes: what agents do where they run for good, and the simulations. */
const OPERATIONS = ['examples', 'monitoring', 'roles', 'schedules', 'shutdown', 'simulate'];

const mocha = (...folders) => [
  ...['--import', 'tsx', 'node_modules/mocha/bin/mocha.js'],
  ...folders.map((folder) => `test/${folder}/**/*.test.ts`),
  ...['--reporter', './test/harness/resultReporter.ts'],
  ...(process.stdout.isTTY ? [] : ['--no-color']),
  // Where nobody looks, a test that does not run is a failure.
  ...(process.env.CI ? ['--forbid-pending'] : []),
];

/**
 * The longest comes first, so that all lanes end at about one time. `steps` are the parts of
 * .ci/setup.mjs; `commands` are for Node. A part without `reports` is one test: it passed when its
 * command ended with 0. What mostly waits is done in the lane `beside` the main ones; what only
 * computes in the lane `idle`: it gives way to all others.
 */
export const TEST_PARTS = {
  process: {
    steps: ['npm', 'redis', 'build'],
    commands: [mocha(`process/!(${['debugging', 'streams', ...OPERATIONS].join('|')})`)],
    reports: true,
    limitMs: 1_500_000,
  },
  operations: {
    steps: ['npm', 'redis', 'build'],
    commands: [mocha(`process/@(${OPERATIONS.join('|')})`)],
    reports: true,
    limitMs: 900_000,
  },
  debugging: {
    lane: 'beside',
    steps: ['npm', 'redis', 'build'],
    commands: [mocha('process/debugging')],
    reports: true,
    limitMs: 1_000_000,
  },
  lint: {
    lane: 'idle',
    steps: ['npm'],
    commands: [
      ['node_modules/eslint/bin/eslint.js', '.'],
      ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
    ],
    limitMs: 1_200_000,
  },
  types: {
    lane: 'idle',
    steps: ['npm'],
    commands: [['node_modules/typescript/bin/tsc', '--noEmit']],
    limitMs: 600_000,
  },
  unit: {
    steps: ['npm', 'build'],
    commands: [mocha('unit')],
    reports: true,
    limitMs: 240_000,
  },
  e2e: {
    steps: ['npm', 'redis', 'build', 'chromium', 'vscode'],
    commands: [[...mocha('e2e'), '--timeout', '90000']],
    reports: true,
    limitMs: 700_000,
  },
  redis: {
    steps: ['npm', 'redis', 'openssl', 'build'],
    commands: [mocha('redis')],
    reports: true,
    limitMs: 800_000,
  },
  faults: {
    steps: ['npm', 'redis', 'build'],
    commands: [['--import', 'tsx', 'test/faults/run.ts', '--for', '2m']],
    limitMs: 500_000,
  },
  streams: {
    steps: ['npm', 'redis', 'build'],
    commands: [mocha('process/streams')],
    reports: true,
    limitMs: 600_000,
  },
  extension: {
    steps: ['npm', 'redis', 'build', 'chromium', 'vscode'],
    commands: [['--import', 'tsx', 'test/extension/runInHost.ts']],
    reports: true,
    limitMs: 700_000,
  },
};
