import assert from 'node:assert/strict';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from '../cli/errorDocument.ts';
import { interlockJson } from '../cli/interlock.ts';

type Case = [field: string, type: object, why: RegExp];

/** What a value may not be, and what two values may not be together. */
const VALUES: Case[] = [
  ['unique.by', { unique: { by: 'network' } }, /expected payload paths such as \["network"\]/],
  ['unique.while', { unique: { by: [], while: 'sometimes' } }, /"queued-or-running"/],
  ['maxConcurrent', { maxConcurrent: 0 }, /expected number to be >0/],
];
const TOGETHER: Case[] = [
  ['unique.window', { unique: { by: [], while: 'window' } }, /no end without it/],
  ['unique.onConflict', { unique: { by: [], while: 'running', onConflict: 'replace' } }, /waits/],
  [
    'unique.onConflict',
    { unique: { by: [], while: 'window', window: '1m', onConflict: 'reschedule' } },
    /no moment to run it/,
  ],
  ['unique.while', { unique: { by: [], while: 'queued' }, maxConcurrent: 1 }, /above 1 beside it/],
  ['unique.while', { unique: { by: [], while: 'queued' }, monitoring: true }, /"monitoring"/],
];

describe('a rule that can not work is refused by the command', function () {
  let workspace: TestWorkspace;

  before(() => (workspace = makeWorkspace()));
  after(() => workspace.remove());

  for (const cases of [VALUES, TOGETHER]) {
    const what = cases.map(([field]) => field).join(', ');
    it(`with exit code 2, the paths in the config and the reasons: ${what}`, async () => {
      const jobs = cases.map(([, type], n) => [`t${n}`, { handler: './x.ts', ...type }] as const);
      workspace.writeConfig({ jobs: Object.fromEntries(jobs) });
      const { code, json } = await interlockJson(workspace, errorDocument, 'start');
      assert.deepEqual([code, json.error.code], [2, 'bad_config']);
      for (const [index, [field, , why]] of cases.entries()) {
        assert.ok(json.error.message.includes(`jobs.t${index}.${field}`), json.error.message);
        assert.match(json.error.message, why);
      }
    });
  }
});
