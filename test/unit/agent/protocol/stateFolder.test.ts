import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import * as path from 'node:path';
import fc from 'fast-check';
import { chooseRole } from '../../../../agent/protocol/role.ts';
import {
  agentSocketPath,
  canonicalWorkspace,
  defaultStateFolder,
  roleStateFolder,
  socketFolder,
  stateFoldersOf,
} from '../../../../agent/protocol/stateFolder.ts';
import { makeTemporaryFolder } from '../../../harness/temporaryFolder.ts';

const MAX_SOCKET_PATH_BYTES = 103;

describe('the state folder', () => {
  it('is one for each workspace, below the home folder', () => {
    const one = defaultStateFolder('/work/a', '/home/x');
    assert.match(one, /^\/home\/x\/\.interlock\/[0-9a-f]{12}$/);
    assert.notEqual(one, defaultStateFolder('/work/b', '/home/x'));
    assert.equal(one, defaultStateFolder('/work/../work/a/', '/home/x'));
  });

  it('is the same for two spellings of one workspace', () => {
    const folder = makeTemporaryFolder();
    const real = path.join(folder.path, 'real');
    const link = path.join(folder.path, 'link');
    mkdirSync(real);
    symlinkSync(real, link);
    assert.equal(canonicalWorkspace(link), real);
    assert.equal(defaultStateFolder(link, '/h'), defaultStateFolder(real, '/h'));
    folder.remove();
  });

  it('holds the sockets, where their paths are short enough', () => {
    assert.equal(
      socketFolder('/home/x/.interlock/0123456789ab'),
      '/home/x/.interlock/0123456789ab',
    );
  });

  it('never makes a socket path that is longer than a platform takes', () => {
    const unit = fc.constantFrom('a', 'é', '語', '😀', '-', '/');
    const folder = fc.string({ unit, maxLength: 150 }).map((text) => path.join('/', text));
    fc.assert(
      fc.property(folder, (stateFolder) => {
        for (const name of ['agent.sock', 'redis.sock']) {
          const full = path.join(socketFolder(stateFolder, '/tmp'), name);
          assert.ok(Buffer.byteLength(full) <= MAX_SOCKET_PATH_BYTES, full);
        }
      }),
    );
  });

  it('falls back to a folder of its own in the temp folder, exactly where it must', () => {
    const fits = `/${'a'.repeat(MAX_SOCKET_PATH_BYTES - '/'.length - '/redis.sock'.length)}`;
    assert.equal(socketFolder(fits, '/tmp'), fits);
    const tooLong = socketFolder(`${fits}a`, '/tmp');
    assert.match(tooLong, /^\/tmp\/interlock-[^/]+-[0-9a-f]{12}$/);
    assert.notEqual(tooLong, socketFolder(`${fits}b`, '/tmp'));
  });

  it('can be found with those of the other roles of its workspace', () => {
    const home = makeTemporaryFolder();
    const folders = ['all', 'worker', 'calls,worker'].map((role) =>
      roleStateFolder('/work/a', chooseRole(role, {}), home.path),
    );
    assert.deepEqual(stateFoldersOf('/work/a', home.path), []);
    const other = roleStateFolder('/work/b', chooseRole('worker', {}), home.path);
    for (const folder of [...folders, other]) mkdirSync(folder, { recursive: true });
    assert.deepEqual(stateFoldersOf('/work/a', home.path).sort(), folders.sort());
    home.remove();
  });

  it('has a named pipe on Windows', () => {
    const pipe = agentSocketPath('C:\\Users\\x\\.interlock\\0123456789ab', 'win32');
    assert.match(pipe, /^\\\\\.\\pipe\\interlock-[0-9a-f]{12}$/);
  });
});
