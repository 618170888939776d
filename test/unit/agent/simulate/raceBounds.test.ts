import assert from 'node:assert/strict';
import { simulationText } from '../../../../agent/cli/text/simulationText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import { configSchema } from '../../../../agent/config/schema.ts';
import { rulesOf } from '../../../../agent/jobs/typeRules.ts';
import type { SimulateDuplicatesResult } from '../../../../agent/protocol/api.ts';
import {
  judgeRace,
  raceBounds,
  typesWithRules,
  withoutRules,
} from '../../../../agent/simulate/raceBounds.ts';

const plain = styleFor(false, {});

const configOf = (rules: object, deduplication = {}) =>
  configSchema.parse({ jobs: { sync: { handler: './x.ts', ...rules } }, deduplication });

const result: SimulateDuplicatesResult = {
  ...{ jobType: 'sync', attempts: 400, accepted: 1, runs: 1, maxConcurrentRuns: 1 },
  ...{ refused: { byLayer: { unique_key: 399 } }, ms: 12, naive: false, processes: 4 },
};

describe('what must come out of a race', () => {
  const boundsOf = (rules: object, raceMs = 500) => {
    const config = configOf(rules);
    const type = config.jobs['sync'];
    assert.ok(type !== undefined);
    return raceBounds(rulesOf(type, config.deduplication), 400, raceMs);
  };

  it('is one run of one key, whatever becomes of the others', () => {
    const one = { accepted: [1, 1], runs: [1, 1], concurrent: 1 };
    for (const onConflict of ['skip', 'fail', 'replace']) {
      assert.deepEqual(boundsOf({ unique: { by: ['n'], onConflict } }), one);
    }
    assert.deepEqual(boundsOf({ unique: { by: [], while: 'queued' } }), one);
    assert.deepEqual(boundsOf({ monitoring: true }), one);
    assert.deepEqual(boundsOf({ unique: { by: 'function' } }), one);
  });

  it('is a second run after the first where it is put behind', () => {
    assert.deepEqual(boundsOf({ unique: { by: [], onConflict: 'reschedule' } }), {
      ...{ accepted: [1, 1], runs: [1, 2], concurrent: 1 },
    });
  });

  it('is one at a time where only a run keeps others out', () => {
    assert.deepEqual(boundsOf({ unique: { by: [], while: 'running' } }), {
      ...{ accepted: [1, 400], runs: [1, 400], concurrent: 1 },
    });
  });

  it('is one for each window that began in it', () => {
    const unique = { by: [], while: 'window', window: '200ms' };
    assert.deepEqual(boundsOf({ unique }, 199).accepted, [1, 1]);
    assert.deepEqual(boundsOf({ unique }, 500), { accepted: [1, 3], runs: [1, 3], concurrent: 3 });
    assert.equal(boundsOf({ unique, maxConcurrent: 2 }, 500).concurrent, 2);
  });

  it('is as many as there are places, without a key', () => {
    assert.deepEqual(boundsOf({ maxConcurrent: 3 }), {
      ...{ accepted: [3, 3], runs: [3, 3], concurrent: 3 },
    });
    assert.deepEqual(boundsOf({ maxConcurrent: 999 }).accepted, [400, 400]);
  });

  it('is not asked of a type without a rule, or with its rules switched off', () => {
    assert.deepEqual(typesWithRules(configOf({})), []);
    assert.deepEqual(typesWithRules(configOf({ maxConcurrent: 2 })), ['sync']);
    assert.deepEqual(typesWithRules(configOf({ unique: { by: [] } })), ['sync']);
    assert.deepEqual(typesWithRules(configOf({ unique: { by: [] } }, { enabled: false })), []);
    assert.deepEqual(
      typesWithRules(configOf({ maxConcurrent: 2 }, { stackingPrevention: false })),
      [],
    );
  });

  it('is nothing at all in a naive race: the type has no rule left', () => {
    const config = configOf({ unique: { by: [] }, maxConcurrent: 2, monitoring: true });
    const type = config.jobs['sync'];
    assert.ok(type !== undefined);
    assert.deepEqual(typesWithRules({ ...config, jobs: { sync: withoutRules(type) } }), []);
  });
});

describe('the text of a race', () => {
  const textOf = (
    changes: Partial<SimulateDuplicatesResult>,
    rules: object = { unique: { by: [] } },
  ) => simulationText([judgeRace({ ...result, ...changes }, configOf(rules))], plain);

  it('says what followed', () => {
    assert.match(textOf({}), /399 by unique_key[^]*and 1 run followed\.$/);
    assert.match(
      textOf({ runs: 3, accepted: 3, maxConcurrentRuns: 2 }, { maxConcurrent: 3 }),
      /and 3 runs followed, up to 2 at one time\.$/,
    );
    assert.match(textOf({ refused: { byLayer: { replaced: 399 } } }), / {2}399 replaced /);
  });

  it('says what was broken, and what the rules allow', () => {
    assert.match(
      textOf({ runs: 2 }),
      /the promise was broken\. Its rules allow 1 accepted, 1 run, 1 at one time\.$/,
    );
    assert.match(
      textOf({ accepted: 4, runs: 4, maxConcurrentRuns: 4 }, { maxConcurrent: 3 }),
      /Its rules allow 3 accepted, 3 runs, 3 at one time\.$/,
    );
    assert.match(
      textOf({ maxConcurrentRuns: 2 }, { unique: { by: [], while: 'running' } }),
      /Its rules allow 1 to 400 accepted, 1 to 400 runs, 1 at one time\.$/,
    );
  });

  it('judges no naive race', () => {
    const naive = { naive: true, runs: 400, accepted: 400, maxConcurrentRuns: 16 };
    assert.match(
      textOf(naive),
      /without protection: .* 400 runs followed, up to 16 at one time\.$/,
    );
  });
});
