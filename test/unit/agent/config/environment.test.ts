import assert from 'node:assert/strict';
import { ageThresholdsOf } from '../../../../agent/config/ageThresholds.ts';
import { applyEnvironment } from '../../../../agent/config/environment.ts';
import { loadConfig } from '../../../../agent/config/load.ts';
import { configSchema } from '../../../../agent/config/schema.ts';
import { makeWorkspace } from '../../../harness/workspace.ts';
import { HANDLER, JOB, refusal } from './configFixture.ts';

const CONFIG = {
  jobs: { 'chain-state.monitor': JOB, cleanup: JOB, idle: JOB },
  schedules: {
    chain: { job: 'chain-state.monitor', every: '90s', data: { network: 'main' } },
    again: { job: 'chain-state.monitor', every: '5m' },
    night: { job: 'chain-state.monitor', cron: '0 3 * * *' },
    clean: { job: 'cleanup', cron: '0 4 * * *' },
  },
};

const apply = (env: NodeJS.ProcessEnv, config: object = CONFIG) =>
  applyEnvironment(configSchema.parse(config), env);

/** The config under these variables, which must all be good. */
function changed(env: NodeJS.ProcessEnv, config?: object) {
  const { config: result, problems } = apply(env, config);
  assert.deepEqual(problems, []);
  return result;
}

function assertRefused(variable: string, value: string, expected: RegExp): void {
  const { problems } = apply({ [variable]: value });
  assert.equal(problems.length, 1);
  assert.equal(problems[0]?.path, `environment variable ${variable}`);
  assert.equal(problems[0].value, value);
  assert.match(problems[0].expected, expected);
}

describe('the switches of deduplication in the environment', () => {
  const switches = [
    ['INTERLOCK_JOB_DEDUPLICATION_ENABLED', 'enabled'],
    ['INTERLOCK_AGGRESSIVE_DEDUPLICATION_ENABLED', 'aggressive'],
    ['INTERLOCK_JOB_STACKING_PREVENTION_ENABLED', 'stackingPrevention'],
  ] as const;

  for (const [variable, name] of switches) {
    it(`${variable} sets ${name} and nothing else, over the config`, () => {
      const on = { enabled: true, aggressive: true, stackingPrevention: true };
      const off = { enabled: false, aggressive: false, stackingPrevention: false };
      for (const no of ['false', '0', 'no', 'OFF', ' False ']) {
        assert.deepEqual(changed({ [variable]: no }).deduplication, { ...on, [name]: false });
      }
      for (const yes of ['true', '1', 'yes', 'on', 'TRUE']) {
        const config = changed({ [variable]: yes }, { deduplication: off });
        assert.deepEqual(config.deduplication, { ...off, [name]: true });
      }
      assert.deepEqual(changed({ [variable]: ' ' }, { deduplication: off }).deduplication, off);
      assertRefused(variable, 'maybe', /true or false/);
    });
  }
});

describe('LOCK_TIMEOUT_MS', () => {
  it('is the age of an emergency, as milliseconds or as a duration', () => {
    for (const text of ['2400000', '40m', ' 2400000 ']) {
      const config = changed({ LOCK_TIMEOUT_MS: text });
      assert.equal(config.locks.maxAge, 2_400_000);
      assert.equal(ageThresholdsOf(config).lockEmergencyMs, 2_400_000);
    }
  });

  it('is an hour when nothing says another, and then 55 minutes are an emergency already', () => {
    const config = changed({ LOCK_TIMEOUT_MS: '' });
    assert.equal(config.locks.maxAge, 3_600_000);
    assert.equal(ageThresholdsOf(config).lockEmergencyMs, 3_300_000);
  });

  it('that is no time is refused', () => {
    for (const text of ['0', '-5', 'soon', '1.5']) {
      assertRefused('LOCK_TIMEOUT_MS', text, /milliseconds.*"1h"/);
    }
  });
});

describe('the interval of a job type in the environment', () => {
  const VARIABLE = 'INTERLOCK_CHAIN_STATE_MONITOR_INTERVAL_SECONDS';

  it('is that of each "every" schedule of the type, and of no other', () => {
    const before = configSchema.parse(CONFIG).schedules;
    const { schedules } = changed({ [VARIABLE]: '300' });
    assert.deepEqual(schedules, {
      ...before,
      chain: { ...before['chain'], every: 300_000 },
      again: { ...before['again'], every: 300_000 },
    });
  });

  it('takes the place of a dynamic one: a person wants exactly that', () => {
    const config = { ...CONFIG, schedules: { chain: { ...CONFIG.schedules.chain } } };
    const dynamic = { ...config.schedules.chain, every: { min: '30s', max: '10m' } };
    const { schedules } = changed({ [VARIABLE]: '300' }, { ...config, schedules: { dynamic } });
    assert.equal(schedules['dynamic']?.every, 300_000);
  });

  it('that is no number of seconds is refused', () => {
    for (const text of ['0', '-1', '1.5', '5m', 'soon', '1e3', '9999999999'])
      assertRefused(VARIABLE, text, /whole seconds/);
  });

  it('is refused where it would have no effect', () => {
    assertRefused('INTERLOCK_CLEANUP_INTERVAL_SECONDS', '60', /"every".*have "cron"/);
    assertRefused('INTERLOCK_IDLE_INTERVAL_SECONDS', '60', /"every".*no schedule/);
  });

  it('is of no interest for types of other workspaces, or when it is empty', () => {
    const before = configSchema.parse(CONFIG);
    const env = { INTERLOCK_OTHER_INTERVAL_SECONDS: 'x', INTERLOCK_CLEANUP_INTERVAL_SECONDS: '' };
    assert.deepEqual(changed({ ...env, INTERLOCK_INTERVAL_SECONDS: 'x' }), before);
  });
});

describe('loading a config with variables in the environment', () => {
  it('names every variable that can not be read, and what was expected', () => {
    const workspace = makeWorkspace({ jobs: { a: { handler: './a.ts' } } }, { 'a.ts': '' });
    try {
      const env = { LOCK_TIMEOUT_MS: 'soon', INTERLOCK_JOB_DEDUPLICATION_ENABLED: 'maybe' };
      const error = refusal(() => loadConfig(workspace.folder, env));
      assert.match(error.message, /environment variable LOCK_TIMEOUT_MS = "soon": milliseconds/);
      assert.match(error.message, /INTERLOCK_JOB_DEDUPLICATION_ENABLED = "maybe": true or false/);
    } finally {
      workspace.remove();
    }
  });

  it('applies them without a config file as well', () => {
    const workspace = makeWorkspace();
    try {
      const { config } = loadConfig(workspace.folder, { LOCK_TIMEOUT_MS: '5m' });
      assert.equal(config.locks.maxAge, 300_000);
    } finally {
      workspace.remove();
    }
  });
});

describe('thresholds of age', () => {
  it('come from the config', () => {
    const config = changed(
      {},
      {
        jobs: { a: { handler: HANDLER } },
        alerts: { jobWarnAfter: '1s', jobCriticalAfter: '2s', jobEmergencyAfter: '3s' },
        locks: { warnAfter: '4s', emergencyAfter: '9s', maxAge: '8s' },
      },
    );
    assert.deepEqual(ageThresholdsOf(config), {
      ...{ jobWarnMs: 1_000, jobCriticalMs: 2_000, jobEmergencyMs: 3_000 },
      ...{ lockWarnMs: 4_000, lockEmergencyMs: 8_000 },
    });
  });

  it('are those of the requirements when nothing says other ones', () => {
    const minute = 60_000;
    assert.deepEqual(ageThresholdsOf(changed({})), {
      ...{ jobWarnMs: 10 * minute, jobCriticalMs: 30 * minute, jobEmergencyMs: 50 * minute },
      ...{ lockWarnMs: 30 * minute, lockEmergencyMs: 55 * minute },
    });
  });
});
