import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Holder } from '../../../../agent/protocol/decision.ts';
import {
  currentHolder,
  currentHostId,
  isHolderAlive,
  isProcessStopped,
  isSameProcessAlive,
  processStartOf,
} from '../../../../agent/state/processIdentity.ts';
import { endProcess, startProcess } from '../../../harness/childProcess.ts';
import { eventually } from '../../../harness/eventually.ts';

/** Of a process that was there a moment ago and is not now. */
async function endedPid(): Promise<{ pid: number; start: string | null }> {
  const started = await startProcess('sleep', ['60']);
  const start = processStartOf(started.pid);
  await endProcess(started);
  return { pid: started.pid, start };
}

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('the identity of a process', () => {
  it('tells a stopped process from one that runs, sleeps or is gone', async () => {
    const started = await startProcess('sleep', ['60']);
    try {
      assert.equal(isProcessStopped(started.pid), false);
      started.child.kill('SIGSTOP');
      await eventually('it to be stopped', () => isProcessStopped(started.pid));
      started.child.kill('SIGCONT');
      await eventually('it to go on', () => !isProcessStopped(started.pid));
    } finally {
      started.child.kill('SIGCONT');
      await endProcess(started);
    }
    assert.equal(isProcessStopped(started.pid), false);
    assert.equal(isProcessStopped(process.pid), false);
  });

  it('stays the same while it lives', () => {
    const start = processStartOf(process.pid);
    assert.ok(start !== null && start !== '');
    assert.equal(processStartOf(process.pid), start);
    assert.equal(isSameProcessAlive(process.pid, start), true);
  });

  it('is not that of an earlier process with the same id', () => {
    assert.equal(isSameProcessAlive(process.pid, '1'), false);
  });

  it('counts a known id without a start time as alive: there is no proof of death', () => {
    assert.equal(isSameProcessAlive(process.pid, null), true);
  });

  it('ends with the process', async () => {
    const { pid, start } = await endedPid();
    assert.equal(processStartOf(pid), null);
    assert.equal(isSameProcessAlive(pid, start), false);
    assert.equal(isSameProcessAlive(pid, null), false);
  });

  onLinux('ends with the process, also while its parent has not looked', async () => {
    // The shell becomes a `sleep` that never reaps the child it was given.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
    try {
      let text = '';
      parent.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const pid = await eventually('its child', () => /^\d+\n/.test(text) && Number(text));
      const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.charAt(0);
      await eventually('a zombie', () => state() === 'Z');
      process.kill(pid, 0);
      assert.equal(isSameProcessAlive(pid, null), false);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  onLinux('is read right whatever the program is called', () => {
    const start = readFileSync(`/proc/${process.pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
    assert.equal(processStartOf(process.pid), start);
  });
});

describe('the identity of a host', () => {
  it('is stable, and set by INTERLOCK_HOST_ID', () => {
    assert.equal(currentHostId({}), currentHostId({}));
    assert.match(currentHostId({ INTERLOCK_HOST_ID: '' }), /^[0-9a-f]{12}$/);
    assert.equal(currentHostId({ INTERLOCK_HOST_ID: 'other' }), 'other');
  });
});

describe('whether a holder lives', () => {
  const me = currentHolder('all', 'a1');

  it('is told of this host only', async () => {
    const { pid, start } = await endedPid();
    const dead: Holder = { ...me, pid, processStart: start };
    assert.equal(isHolderAlive(me), true);
    assert.equal(isHolderAlive(dead), false);
    assert.equal(isHolderAlive({ ...dead, hostId: 'other' }), null);
    assert.equal(isHolderAlive({ ...me, hostId: 'other' }), null);
  });

  it('does not take what the holder said of itself', () => {
    assert.equal(isHolderAlive({ ...me, alive: false }), true);
    assert.equal(isHolderAlive({ ...me, processStart: '1', alive: true }), false);
  });
});
