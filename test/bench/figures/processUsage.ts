import { readdirSync, readFileSync } from 'node:fs';

/** Of Linux: `/proc` counts CPU time in hundredths of a second. */
const TICK_MS = 10;
const KB = 1_024;

interface ProcessStat {
  parentPid: number;
  cpuMs: number;
}

/** CPU time that a process has used so far, all its threads. @throws when it is gone */
export function cpuMsOf(pid: number): number {
  return readStat(pid).cpuMs;
}

/** Memory of a process in RAM, now. @throws when it is gone */
export function rssBytesOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0) * KB;
}

/** Of all children whose command line has this in it: the sum now. */
export function childrenRssBytes(parentPid: number, program: string): number {
  let sum = 0;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (Number.isNaN(pid)) continue;
    try {
      if (readStat(pid).parentPid !== parentPid) continue;
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program)) sum += rssBytesOf(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum;
}

/** The name of the program, in brackets, may hold blanks: the numbers come after it. */
function readStat(pid: number): ProcessStat {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [, parentPid = '0'] = fields;
  return {
    parentPid: Number(parentPid),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
  };
}
