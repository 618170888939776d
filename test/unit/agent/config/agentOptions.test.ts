import assert from 'node:assert/strict';
import * as path from 'node:path';
import { readAgentOptions } from '../../../../agent/agentOptions.ts';
import { InterlockError, type ErrorCode } from '../../../../agent/common/errors.ts';
import { defaultStateFolder } from '../../../../agent/protocol/stateFolder.ts';

const refused = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof InterlockError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.ok(error.remedy !== undefined);
  return true;
};

describe("the agent's options", () => {
  it('have defaults: this folder, its state folder, every role, for ever', () => {
    const options = readAgentOptions([], {});
    assert.equal(options.stateFolder, defaultStateFolder(process.cwd()));
    assert.deepEqual(
      [options.role, options.idleExitMs, options.logLevel, options.logTo, options.redisUrl],
      ['all', undefined, 'info', 'file', undefined],
    );
  });

  it('take the state folder from the command line, else from the environment', () => {
    const env = { INTERLOCK_STATE_DIR: '/env' };
    assert.equal(readAgentOptions(['--state-dir', '/flag'], env).stateFolder, '/flag');
    assert.equal(readAgentOptions([], env).stateFolder, '/env');
    const unset = readAgentOptions([], { INTERLOCK_STATE_DIR: '' });
    assert.equal(unset.stateFolder, defaultStateFolder(process.cwd()));
  });

  it('make the state folder absolute: the record of the agent names a socket in it', () => {
    assert.equal(readAgentOptions(['--state-dir', 's'], {}).stateFolder, path.resolve('s'));
  });

  it('take a time after which an unused agent leaves', () => {
    assert.equal(readAgentOptions(['--idle-exit-ms', '1500'], {}).idleExitMs, 1_500);
  });

  for (const value of ['soon', '-5', '', 'NaN', 'Infinity']) {
    it(`refuse "${value}" as that time`, () => {
      const read = () => readAgentOptions([`--idle-exit-ms=${value}`], {});
      assert.throws(read, refused('bad_usage', /idle/i));
    });
  }

  it('refuse what they do not know', () => {
    assert.throws(() => readAgentOptions(['--frobnicate'], {}), refused('bad_usage', /frobnicate/));
    assert.throws(() => readAgentOptions(['extra'], {}), refused('bad_usage', /extra/));
    assert.throws(() => readAgentOptions(['--redis'], {}), refused('bad_usage', /redis/));
    assert.throws(() => readAgentOptions(['--role', 'boss'], {}), refused('bad_usage', /boss/));
    assert.throws(
      () => readAgentOptions(['--log-level', 'loud'], {}),
      refused('bad_usage', /logLevel/),
    );
  });

  for (const role of ['api', 'calls', 'worker', 'scheduler']) {
    it(`say that the role ${role} is not supported yet`, () => {
      const read = () => readAgentOptions(['--role', role], {});
      assert.throws(read, refused('not_supported_yet', new RegExp(role)));
    });
  }
});
