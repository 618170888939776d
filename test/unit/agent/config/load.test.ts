import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { CONFIG_FILE, loadConfig } from '../../../../agent/config/load.ts';
import { makeWorkspace, type TestWorkspace } from '../../../harness/workspace.ts';

describe('loading the config of a workspace', () => {
  let workspace: TestWorkspace;
  beforeEach(() => (workspace = makeWorkspace()));
  afterEach(() => workspace.remove());

  const badConfig = (message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof InterlockError);
    assert.equal(error.code, 'bad_config');
    assert.match(error.message, message);
    return true;
  };

  it('without a file gives the defaults and says that there is none', () => {
    const loaded = loadConfig(workspace.folder);
    assert.equal(loaded.file, null);
    assert.equal(loaded.config.redis.prefix, 'bull');
  });

  it('finds handlers relative to the file', () => {
    workspace.write('jobs/a.ts', '');
    workspace.writeConfig({ jobs: { a: { handler: './jobs/a.ts' } } });
    const { file, config } = loadConfig(workspace.folder);
    assert.equal(file, path.join(workspace.folder, CONFIG_FILE));
    assert.deepEqual(Object.keys(config.jobs), ['a']);
  });

  it('names the file and where it looked for a handler', () => {
    workspace.writeConfig({ jobs: { a: { handler: './jobs/a.ts' } } });
    const full = path.join(workspace.folder, 'jobs', 'a.ts');
    assert.throws(
      () => loadConfig(workspace.folder),
      badConfig(new RegExp(`${CONFIG_FILE} has.*${full}`, 's')),
    );
  });

  it('says so when the file is a folder or can not be read', () => {
    mkdirSync(path.join(workspace.folder, CONFIG_FILE));
    assert.throws(() => loadConfig(workspace.folder), badConfig(/can not be read/));
    if (process.getuid?.() === 0) return;
    const other = makeWorkspace({});
    chmodSync(path.join(other.folder, CONFIG_FILE), 0o000);
    assert.throws(() => loadConfig(other.folder), badConfig(/can not be read/));
    other.remove();
  });
});
