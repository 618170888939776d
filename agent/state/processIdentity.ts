import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import * as os from 'node:os';
import type { Holder } from '../protocol/decision.ts';

/** Of /proc/PID/stat, counted after the closing parenthesis of the name: field 22, the start time. */
const START_TIME_FIELD = 19;

/**
 * When a process started, as its platform tells it. With the process id it names one process for
 * good: a process id alone may have been given to another one.
 * @returns null when there is no such process, or the platform does not tell
 */
export function processStartOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended: only its parent has not looked yet.
      return fields[0] === 'Z' ? null : (fields[START_TIME_FIELD] ?? null);
    }
    if (process.platform === 'darwin') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
    return null;
  } catch {
    return null;
  }
}

/** Whether a process is stopped, by SIGSTOP or a debugger: it lives, and does nothing. */
export function isProcessStopped(pid: number): boolean {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return /^[Tt]$/.test(stat.charAt(stat.lastIndexOf(')') + 2));
    }
    if (process.platform === 'darwin') {
      return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
        .trimStart()
        .startsWith('T');
    }
    return false;
  } catch {
    return false;
  }
}

/** Whether a process id is in use by this user's or another's process. */
export function isProcessIdInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** True only for the very process that was meant; a reused process id does not count. */
export function isSameProcessAlive(pid: number, processStart: string | null): boolean {
  if (!isProcessIdInUse(pid)) return false;
  const start = processStartOf(pid);
  if (process.platform === 'linux' && start === null) return false;
  return processStart === null || start === null || start === processStart;
}

/**
 * A look that costs microseconds everywhere. Where asking for a start time means to start a program,
 * a process id that another process has by now counts as alive: ask `isSameProcessAlive` as well.
 */
export function isSurelyGone(pid: number, processStart: string | null): boolean {
  return process.platform === 'linux'
    ? !isSameProcessAlive(pid, processStart)
    : !isProcessIdInUse(pid);
}

/**
 * Names this machine, boot and process namespace. Two containers with one host name differ, and
 * so does a machine after a restart. `INTERLOCK_HOST_ID` sets it, to act as another host.
 */
export function currentHostId(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['INTERLOCK_HOST_ID'];
  if (given !== undefined && given !== '') return given;
  const facts = [os.hostname(), bootId(), processNamespace()].join('\n');
  return createHash('sha256').update(facts).digest('hex').slice(0, 12);
}

function bootId(): string {
  try {
    if (process.platform === 'linux')
      return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    if (process.platform === 'darwin') {
      return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' });
    }
  } catch {
    // Not told: the host name alone has to do.
  }
  return '';
}

function processNamespace(): string {
  try {
    return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : '';
  } catch {
    return '';
  }
}

/** Who this process is, as a holder of leases. */
export function currentHolder(role: string, agentId: string): Holder {
  return {
    host: os.hostname(),
    hostId: currentHostId(),
    pid: process.pid,
    role,
    agentId,
    processStart: processStartOf(process.pid),
    alive: true,
  };
}

/**
 * Whether a holder lives, as far as it can be told from this host.
 * @returns null for a holder on another host
 */
export function isHolderAlive(holder: Holder, hostId: string = currentHostId()): boolean | null {
  if (holder.hostId !== hostId) return null;
  return isSameProcessAlive(holder.pid, holder.processStart);
}
