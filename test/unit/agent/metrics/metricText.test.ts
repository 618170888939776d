import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { EventFigures } from '../../../../agent/metrics/eventFigures.ts';
import { METRIC_DEFINITIONS } from '../../../../agent/metrics/metricCatalogue.ts';
import { MetricSet } from '../../../../agent/metrics/metricSet.ts';
import { metricNames, metricText } from '../../../../agent/metrics/metricText.ts';
import { parseExposition, valueOf } from '../../../harness/exposition.ts';
import { decision } from '../cli/rows.ts';

const read = (...sets: MetricSet[]) => parseExposition(metricText(sets));

describe('figures as text', () => {
  it('are names and units as Prometheus recommends them', () => {
    for (const name of metricNames()) {
      const { kind, help, labels } = METRIC_DEFINITIONS[name];
      assert.match(name, /^(interlock|process)_[a-z_]+$/);
      assert.equal(kind === 'counter', name.endsWith('_total'), name);
      assert.ok(!/_(ms|milliseconds|minutes|count|sum|bucket)(_|$)/.test(name), name);
      assert.match(help, /\.$/);
      assert.ok(!labels.some((label) => ['le', 'key', 'job_id', 'id'].includes(label)), name);
    }
  });

  it('come back from any label value as they were', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.double(), (text, value) => {
        const set = new MetricSet();
        set.set('interlock_queue_paused', [text], value);
        const found = read(set).get('interlock_queue_paused')?.samples[0];
        assert.equal(found?.labels['queue'], text);
        assert.ok(Object.is(found.value, value) || found.value === value);
      }),
    );
  });

  it('count durations in classes that add up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { minLength: 1 }),
        (seconds) => {
          const set = new MetricSet();
          for (const one of seconds) set.observe('interlock_run_duration_seconds', ['sync'], one);
          const families = read(set, new MetricSet());
          const name = 'interlock_run_duration_seconds';
          assert.equal(valueOf(families, `${name}_count`), seconds.length);
          const upTo = (le: number) => seconds.filter((one) => one <= le).length;
          for (const le of [0.01, 60, 3_600]) {
            assert.equal(valueOf(families, `${name}_bucket`, { le: String(le) }), upTo(le));
          }
        },
      ),
    );
  });

  it('have a bound, whatever names come', () => {
    const set = new MetricSet();
    for (let index = 0; index < 5_000; index += 1) {
      set.add('interlock_queue_jobs', [`q${index}`, 'waiting'], 2);
    }
    const samples = read(set).get('interlock_queue_jobs')?.samples ?? [];
    assert.equal(samples.length, 1_001);
    const other = samples.find(({ labels }) => labels['queue'] === 'other');
    assert.deepEqual([other?.labels['state'], other?.value], ['other', 2 * 4_000]);
  });

  it('have no name in them that the config does not have', () => {
    const events = new EventFigures({ jobs: {}, streams: {} });
    for (let index = 0; index < 50; index += 1) {
      events.decided(
        decision({ subject: `unknown-${index}`, key: `k${index}`, jobId: `${index}` }),
      );
      events.runEnded({
        ...{ jobId: '1', queue: 'q', type: `t${index}`, key: null, status: 'completed' },
        ...{ startedAtMs: 0, endedAtMs: 5, fence: null, attempt: 1, error: null },
      });
    }
    const families = read(events.set);
    for (const name of ['interlock_decisions_total', 'interlock_runs_total']) {
      assert.deepEqual([families.get(name)?.samples.length, valueOf(families, name)], [1, 50]);
    }
  });
});

describe('the check of the text format', () => {
  const wrong: [string, string][] = [
    ['a sample without its family', 'a 1\n'],
    ['a line without its end', '# HELP a x\n# TYPE a gauge\na 1'],
    ['a sample twice', '# HELP a x\n# TYPE a gauge\na 1\na 2\n'],
    ['a counter that is not named so', '# HELP a x\n# TYPE a counter\na 1\n'],
    [
      'a family in two pieces',
      '# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na 2\n',
    ],
    ['a bad number', '# HELP a x\n# TYPE a gauge\na one\n'],
    ['a bad label', '# HELP a x\n# TYPE a gauge\na{b=c} 1\n'],
    ['a quote that is not escaped', '# HELP a x\n# TYPE a gauge\na{b="c"d"} 1\n'],
    [
      'a histogram without the last class',
      '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
    ],
    [
      'classes that go down',
      '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
  ];
  for (const [what, text] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseExposition(text), /text format|no end/);
    });
  }
});
