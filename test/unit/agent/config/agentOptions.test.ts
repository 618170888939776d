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
      [options.role.text, options.idleExitMs, options.logLevel, options.logTo, options.redisUrl],
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

  it('take the role from the command line, else from the environment', () => {
    const env = { SERVICE_ROLE: 'scheduler' };
    assert.equal(readAgentOptions(['--role', 'calls,worker'], env).role.text, 'calls,worker');
    assert.equal(readAgentOptions([], env).role.text, 'scheduler');
    assert.throws(() => readAgentOptions([], { SERVICE_ROLE: 'web' }), refused('bad_usage', /web/));
  });

  it('have a state folder of its own for each role: a folder has one socket', () => {
    const folder = defaultStateFolder(process.cwd());
    const folderOf = (role: string) => readAgentOptions(['--role', role], {}).stateFolder;
    assert.equal(folderOf('worker'), `${folder}-worker`);
    assert.equal(folderOf('worker,calls'), `${folder}-calls-worker`);
    assert.equal(folderOf('all'), folder);
  });
});
