import assert from 'node:assert/strict';
import { eventually } from '../../harness/eventually.ts';
import { PATIENT, RuleBench } from './ruleBench.ts';

/** In the agent itself: there are many agents here, and none needs handler processes. */
const GATED = { handler: './jobs/gated.ts', concurrency: 8, isolation: 'inline' };

const JOBS = {
  both: { ...GATED, unique: { by: ['key'] } },
  monitor: { ...GATED, monitoring: true },
  limited: { ...GATED, maxConcurrent: 1 },
};

/** How many of two that are asked for at once come in, and how many of two of other programs run. */
interface Effects {
  both: number;
  monitor: number;
  limited: number;
  pastTheRule: number;
}

type Switch = 'enabled' | 'aggressive' | 'stackingPrevention';

/** With all switches on, each figure is 1: what is not switched off here shows it. */
const CASES: [name: Switch, variable: string, whenOff: Effects][] = [
  // Without rules there is no key that one could be past.
  [
    ...(['enabled', 'INTERLOCK_JOB_DEDUPLICATION_ENABLED'] as const),
    { both: 2, monitor: 2, limited: 1, pastTheRule: 2 },
  ],
  [
    ...(['aggressive', 'INTERLOCK_AGGRESSIVE_DEDUPLICATION_ENABLED'] as const),
    { both: 1, monitor: 2, limited: 1, pastTheRule: 1 },
  ],
  [
    ...(['stackingPrevention', 'INTERLOCK_JOB_STACKING_PREVENTION_ENABLED'] as const),
    { both: 1, monitor: 1, limited: 2, pastTheRule: 2 },
  ],
];

describe('the switches', function () {
  for (const [name, variable, whenOff] of CASES) {
    it(`"${name}" is off by the config`, async () => {
      assert.deepEqual(await effectsOf({ [name]: false }, {}), whenOff);
    });

    it(`"${name}" is off by ${variable}, whatever the config says`, async () => {
      assert.deepEqual(await effectsOf({ [name]: true }, { [variable]: 'false' }), whenOff);
    });
  }

  async function effectsOf(deduplication: object, env: NodeJS.ProcessEnv): Promise<Effects> {
    const bench = await RuleBench.start({ jobs: JOBS, deduplication }, {}, env);
    try {
      const data = { key: 'k', gate: 'shut' };
      const accepted = async (type: string) => {
        const answers = await bench.enqueueMany(type, 2, data);
        return answers.filter(({ outcome }) => outcome === 'accepted').length;
      };
      const both = accepted('both');
      const monitor = accepted('monitor');
      const limited = accepted('limited');
      return {
        ...{ both: await both, monitor: await monitor, limited: await limited },
        pastTheRule: await runsPastTheRule(bench),
      };
    } finally {
      await bench.stop();
    }
  }

  async function runsPastTheRule(bench: RuleBench): Promise<number> {
    const ids = ['p1', 'p2'];
    for (const jobId of ids)
      await bench.plainQueue('default').add('both', { key: 'past', gate: 'shut' }, { jobId });
    const begun = () => bench.trace((line) => ids.includes(line.id) && line.what === 'start');
    const settled = async () => {
      const jobs = await Promise.all(ids.map((id) => bench.job(id)));
      const skipped = jobs.filter((job) => job.state === 'completed').length;
      return begun().length + skipped === ids.length;
    };
    await eventually('both to run, or to be skipped', settled, PATIENT);
    return begun().length;
  }
});
