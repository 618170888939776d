import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import prettier from 'eslint-config-prettier';

/** Files under `from` may not import what matches `group`: dependencies point one way. */
const layer = (files, patterns) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

const noVscode = { group: ['vscode'], message: 'The agent runs without VS Code.' };
const noExtension = {
  regex: '^(\\.\\./)+src(/|$)',
  message: 'The agent never imports the extension.',
};

/** The agent's folders from the ground up: none imports from a level above its own. */
const agentLayers = [
  ['common'],
  ['protocol'],
  ['config', 'state'],
  ['redis'],
  ['leases', 'decisions', 'history', 'handlers'],
  ['jobs'],
  ['schedules', 'streams', 'locks', 'reaper', 'debugging'],
  ['feed', 'simulate', 'doctor', 'metrics'],
  ['rpc'],
  ['cli'],
];

const noUpwards = (level) => {
  const above = agentLayers.slice(level + 1).flat();
  const roots = [
    'agent',
    'compose',
    'main',
    'agentOptions',
    'idleExit',
    'monitoring',
    'storyActor',
  ];
  const targets = [
    'compose/',
    ...above.map((folder) => `${folder}/`),
    ...roots.map((file) => `${file}\\.ts$`),
  ];
  return {
    regex: `^(\\.\\./)+(${targets.join('|')})`,
    message: 'Dependencies point one way: see docs/architecture.md for the levels.',
  };
};

/** What the extension shares runs anywhere: it may use nothing else of the agent's. */
const foundations = (folders) => {
  if (folders.includes('common')) {
    return [
      { regex: '^\\.\\./', message: 'common/ depends on nothing of ours.' },
      { group: ['node:*'], message: 'common/ runs anywhere.' },
    ];
  }
  return folders.includes('protocol')
    ? [{ regex: '^\\.\\./(?!common/)', message: 'protocol/ depends on common/ only.' }]
    : [];
};

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'test-results/**',
      'test/fixtures/**',
      '**/.interlock/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'import-x/order': ['error', { alphabetize: { order: 'asc' } }],
      'import-x/no-cycle': 'off',
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  layer(['agent/*.ts'], [noVscode, noExtension]),
  ...agentLayers.flatMap((folders, level) =>
    layer(
      folders.map((folder) => `agent/${folder}/**/*.ts`),
      [noVscode, noExtension, ...foundations(folders), noUpwards(level)],
    ),
  ),
  layer(
    ['src/**/*.ts'],
    [
      {
        regex: 'agent/(?!protocol/|common/)',
        message: 'The extension talks to the agent through protocol/ and common/ only.',
      },
    ],
  ),
  {
    files: ['agent/**/*.ts'],
    ignores: ['agent/common/clock.ts', 'agent/common/random.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock: time is passed in.' },
        { object: 'Math', property: 'random', message: 'Take a Random: chance is passed in.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        Buffer: 'readonly',
      },
    },
    rules: { 'no-console': 'off' },
  },
  prettier,
);
