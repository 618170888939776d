import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { systemClock } from '../../../../agent/common/clock.ts';
import { currentHostId, processStartOf } from '../../../../agent/state/processIdentity.ts';
import { removeLeftSpill, spillFolderOf } from '../../../../agent/streams/pipeline/leftSpill.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../../harness/temporaryFolder.ts';

/** Above the largest process id of Linux: there is no such process. */
const DEAD_PID = 4_194_400;
const DAY_MS = 24 * 3_600_000;

describe('spilled ticks that a killed agent left behind', () => {
  let root: TemporaryFolder;

  beforeEach(() => (root = makeTemporaryFolder()));
  afterEach(() => root.remove());

  const leave = (name: string, ageMs = 0) => {
    const folder = path.join(root.path, name);
    mkdirSync(folder);
    writeFileSync(path.join(folder, '1.jsonl'), '[]\n');
    const at = new Date(Date.now() - ageMs);
    for (const file of [path.join(folder, '1.jsonl'), folder]) utimesSync(file, at, at);
    return name;
  };
  const nameOf = (host: string, pid: number, start: string) =>
    leave(['nse-0-7', host, String(pid), start].join('~'));

  it('are removed, those of a process that lives are not', () => {
    const mine = path.basename(spillFolderOf(root.path, 'nse', 0, 7));
    leave(mine);
    const dead = nameOf(currentHostId(), DEAD_PID, '1');
    const reused = nameOf(currentHostId(), process.pid, '1');
    assert.deepEqual(removeLeftSpill(root.path, systemClock).sort(), [dead, reused].sort());
    assert.deepEqual(readdirSync(root.path), [mine]);
  });

  it('of another host are removed when nobody has written them for a day', () => {
    const written = nameOf('elsewhere', DEAD_PID, '1');
    const old = leave(`nse-0-8~elsewhere~${DEAD_PID}~1`, DAY_MS + 60_000);
    assert.deepEqual(removeLeftSpill(root.path, systemClock), [old]);
    assert.deepEqual(readdirSync(root.path), [written]);
  });

  it('are looked for where nothing else is touched', () => {
    leave('something-else');
    writeFileSync(path.join(root.path, 'file'), '');
    assert.deepEqual(removeLeftSpill(root.path, systemClock), []);
    assert.deepEqual(removeLeftSpill(path.join(root.path, 'missing'), systemClock), []);
    assert.equal(readdirSync(root.path).length, 2);
  });

  it('lie in a folder of each run of a shard, whatever the stream is called', () => {
    const folder = spillFolderOf('/state/spill', '../a~b*:c', 3, 42);
    assert.equal(path.dirname(folder), '/state/spill');
    assert.match(path.basename(folder), /^\.\.%2Fa%7eb%2a%3Ac-3-42~/);
    assert.ok(folder.endsWith(`~${process.pid}~${processStartOf(process.pid) ?? ''}`));
    assert.notEqual(folder, spillFolderOf('/state/spill', '../a~b*:c', 3, 43));
  });
});
