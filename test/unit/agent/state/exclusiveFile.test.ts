import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { systemClock } from '../../../../agent/common/clock.ts';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { withExclusiveFile } from '../../../../agent/state/exclusiveFile.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../../harness/temporaryFolder.ts';

/** No process has that id: it is above the highest that a system gives. */
const DEAD = '99999999 12345';

describe('an exclusive file', () => {
  let folder: TemporaryFolder;
  let file: string;
  beforeEach(() => {
    folder = makeTemporaryFolder();
    file = path.join(folder.path, 'starting');
  });
  afterEach(() => folder.remove());

  it('lets one in at a time, and everyone in the end', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      return 1;
    };
    const all = Array.from({ length: 5 }, () => withExclusiveFile(file, systemClock, 5_000, work));
    assert.deepEqual(await Promise.all(all), [1, 1, 1, 1, 1]);
    assert.equal(most, 1);
    assert.equal(existsSync(file), false);
  });

  it('is given back when the work fails', async () => {
    const failing = withExclusiveFile(file, systemClock, 100, () =>
      Promise.reject(new Error('no')),
    );
    await assert.rejects(failing, /no/);
    assert.equal(existsSync(file), false);
  });

  it('names its process while it is held', async () => {
    const text = await withExclusiveFile(file, systemClock, 100, () =>
      Promise.resolve(readFileSync(file, 'utf8')),
    );
    assert.match(text, new RegExp(`^${process.pid} `));
  });

  it('that can not be made says why at once', async () => {
    const nowhere = path.join(folder.path, 'no', 'such', 'folder');
    const never = withExclusiveFile(nowhere, systemClock, 60_000, () => Promise.resolve());
    await assert.rejects(never, /ENOENT/);
  });

  it('of a process that is gone does not count', async () => {
    writeFileSync(file, DEAD);
    assert.equal(await withExclusiveFile(file, systemClock, 2_000, () => Promise.resolve(5)), 5);
  });

  it('of a process id that another process has by now does not count', async () => {
    writeFileSync(file, `${process.pid} 1`);
    assert.equal(await withExclusiveFile(file, systemClock, 2_000, () => Promise.resolve(5)), 5);
  });

  it('of a living process ends in a coded error that names it', async () => {
    await withExclusiveFile(file, systemClock, 100, async () => {
      const second = withExclusiveFile(file, systemClock, 60, () => Promise.resolve());
      await assert.rejects(second, (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'timeout');
        assert.ok(error.message.includes(file));
        return true;
      });
      assert.ok(existsSync(file), 'the holder keeps it');
    });
  });
});
