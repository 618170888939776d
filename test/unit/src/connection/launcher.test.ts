import assert from 'node:assert/strict';
import { agentEnvironment, readEnd } from '../../../../src/connection/launcher.ts';

const errorLine = (code: string) =>
  JSON.stringify({ error: { code, message: 'what happened', remedy: 'what to do' } });

describe('launcher', () => {
  it("reads the agent's own words", () => {
    const end = readEnd(2, null, ['a warning', errorLine('bad_config')]);
    assert.deepEqual(end, {
      otherAgent: false,
      problem: { kind: 'badConfig', message: 'what happened', remedy: 'what to do' },
    });
  });

  it('tells a Redis that is missing from one that does not answer', () => {
    assert.equal(readEnd(4, null, [errorLine('redis_missing')]).problem.kind, 'redisMissing');
    assert.equal(
      readEnd(4, null, [errorLine('redis_unreachable')]).problem.kind,
      'redisUnreachable',
    );
    assert.equal(readEnd(4, null, []).problem.kind, 'redisUnreachable');
  });

  it('sees that another agent was faster', () => {
    assert.equal(readEnd(1, null, [errorLine('already_running')]).otherAgent, true);
  });

  it('shows the last lines of one that said nothing of use', () => {
    const { problem } = readEnd(null, 'SIGKILL', ['1', '2', '3', '4', '5', '6']);
    assert.equal(problem.kind, 'cannotStart');
    assert.match(problem.message, /by SIGKILL before it was ready\.\n2\n3\n4\n5\n6$/);
  });

  it("gives the person's environment without the extension host's own", () => {
    const env = agentEnvironment(
      { PATH: '/bin', REDIS_URL: 'redis://x', VSCODE_IPC_HOOK: 'x' },
      {},
    );
    assert.deepEqual(env, { PATH: '/bin', REDIS_URL: 'redis://x', ELECTRON_RUN_AS_NODE: '1' });
  });

  it('gives switches of the settings, and the environment has the last word', () => {
    const switches = {
      INTERLOCK_JOB_DEDUPLICATION_ENABLED: false,
      INTERLOCK_JOB_STACKING_PREVENTION_ENABLED: true,
    };
    const env = agentEnvironment({ INTERLOCK_JOB_STACKING_PREVENTION_ENABLED: 'no' }, switches);
    assert.deepEqual(env, {
      INTERLOCK_JOB_DEDUPLICATION_ENABLED: 'false',
      INTERLOCK_JOB_STACKING_PREVENTION_ENABLED: 'no',
      ELECTRON_RUN_AS_NODE: '1',
    });
  });
});
