// Processes that a test run started and that outlived it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 200;

/**
 * Waits until no process of the run is left.
 * @param {string} runFolder the run's temp folder: it stands in the arguments or the environment of all
 * @param {number} deadlineMs
 * @returns {Promise<{ pid: number, command: string }[]>} those that are still there
 */
export async function leftProcesses(runFolder, deadlineMs) {
  const endAt = Date.now() + deadlineMs;
  for (;;) {
    const left = listProcesses().filter(
      ({ pid, text }) => pid !== process.pid && text.includes(runFolder),
    );
    if (left.length === 0 || Date.now() >= endAt) return left;
    await delay(LOOK_EVERY_MS);
  }
}

/** @returns {{ pid: number, command: string, text: string }[]} */
function listProcesses() {
  return existsSync('/proc/self/environ') ? listFromProc() : listFromPs();
}

function listFromProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const command = readProc(name, 'cmdline').replaceAll('\0', ' ').trim();
      // A zombie has no command line: it is dead and only waits to be counted.
      if (command === '') return [];
      return [{ pid: Number(name), command, text: `${command}\0${readProc(name, 'environ')}` }];
    });
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended meanwhile, or is not ours.
    return '';
  }
}

function listFromPs() {
  const { stdout } = spawnSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), command, text: command }];
  });
}
