import assert from 'node:assert/strict';
import { assertProblem, JOB, parse, refusal } from './configFixture.ts';

const job = (unique: object, more: object = {}) => ({
  jobs: { sync: { ...JOB, unique: { by: ['network'], ...unique }, ...more } },
});

/** A combination that can not do what it says; the field that is wrong, and why. */
const CASES: [what: string, sections: object, field: string, value: unknown, why: RegExp][] = [
  ['a window without a length', job({ while: 'window' }), 'window', undefined, /no end without it/],
  [
    ...(['a length without a window', job({ window: '10m' }), 'window', '10m'] as const),
    /"while": "window" beside it.*no effect/,
  ],
  [
    ...(['a length with another rule', job({ while: 'queued', window: 5 }), 'window', 5] as const),
    /no effect/,
  ],
  [
    'replacing while only runs are in the way',
    job({ while: 'running', onConflict: 'replace' }),
    ...(['onConflict', 'replace'] as const),
    /"skip" or "fail".*job that waits.*only a job that runs is in the way/,
  ],
  [
    'rescheduling while only waiting jobs are in the way',
    job({ while: 'queued', onConflict: 'reschedule' }),
    ...(['onConflict', 'reschedule'] as const),
    /"queued-or-running" beside it.*never in the way/,
  ],
  [
    'rescheduling while only runs are in the way',
    job({ while: 'running', onConflict: 'reschedule' }),
    ...(['onConflict', 'reschedule'] as const),
    /would not be the only one/,
  ],
  [
    'rescheduling in a window',
    job({ while: 'window', window: '1m', onConflict: 'reschedule' }),
    ...(['onConflict', 'reschedule'] as const),
    /no moment to run it/,
  ],
  [
    'one queued beside one running, with room for one',
    job({ while: 'queued' }, { maxConcurrent: 1 }),
    ...(['while', 'queued'] as const),
    /"maxConcurrent" above 1 beside it/,
  ],
  [
    'one queued beside one running, of a type that removes what waits beside a run',
    job({ while: 'queued' }, { monitoring: true }),
    ...(['while', 'queued'] as const),
    /beside "monitoring": it removes what waits/,
  ],
];

describe('a uniqueness rule is refused for', () => {
  for (const [what, sections, field, value, why] of CASES) {
    it(what, () =>
      assertProblem(
        refusal(() => parse(sections)),
        `jobs.sync.unique.${field}`,
        value,
        why,
      ),
    );
  }

  it('two reasons at once, both named', () => {
    const error = refusal(() => parse(job({ while: 'window', onConflict: 'reschedule' })));
    assert.match(error.message, /2 problems/);
  });
});

describe('a uniqueness rule is taken', () => {
  const good: [unique: object, more?: object][] = [
    [{}],
    [{ by: [] }],
    [{ by: 'function' }],
    ...['skip', 'replace', 'reschedule', 'fail'].map((onConflict): [object] => [{ onConflict }]),
    ...['skip', 'replace', 'fail'].flatMap((onConflict): [object][] => [
      [{ while: 'queued', onConflict }],
      [{ while: 'window', window: '10m', onConflict }],
    ]),
    ...['skip', 'fail'].map((onConflict): [object] => [{ while: 'running', onConflict }]),
    [{ while: 'queued' }, { maxConcurrent: 2 }],
    [{ while: 'queued', onConflict: 'replace' }, { maxConcurrent: 1 }],
    [{}, { maxConcurrent: 1, monitoring: true }],
  ];
  for (const [unique, more] of good) {
    it(`${JSON.stringify(unique)}${more === undefined ? '' : ` with ${JSON.stringify(more)}`}`, () => {
      assert.doesNotThrow(() => parse(job(unique, more)));
    });
  }
});
