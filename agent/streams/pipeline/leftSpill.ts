import { readdirSync, rmSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type { Clock } from '../../common/clock.ts';
import type { Holder } from '../../protocol/decision.ts';
import { currentHostId, isSameProcessAlive, processStartOf } from '../../state/processIdentity.ts';

/** Of another host, container or boot nothing can be proven: a spill in use is written all the time. */
const FOREIGN_KEPT_MS = 24 * 3_600_000;

/** `…~host~pid~start`: "~" is in none of them. */
const OWNER = /~([^~]*)~(\d+)~([^~]*)$/;

/** Who spills: what a `Holder` says of a process. */
export type SpillOwner = Pick<Holder, 'hostId' | 'pid' | 'processStart'>;

/**
 * The folder for the spilled ticks of one run of a shard. Its name tells whose it is.
 * @param root such as `<state folder>/spill`
 * @param run what tells this run from any other of the shard, such as its first fence
 * @param owner this process, where it is known: to find it out costs more than the rest
 */
export function spillFolderOf(
  root: string,
  stream: string,
  shard: number,
  run: number,
  owner: SpillOwner = thisProcess(),
): string {
  const { hostId, pid, processStart } = owner;
  const parts = [hostId, String(pid), processStart ?? ''].map(escaped);
  return path.join(root, [`${escaped(stream)}-${shard}-${run}`, ...parts].join('~'));
}

function thisProcess(): SpillOwner {
  const { pid } = process;
  return { hostId: currentHostId(), pid, processStart: processStartOf(pid) };
}

/**
 * Removes what agents left behind that were killed: those whose process is gone, not those that live.
 * @returns the names of the folders that were removed. Never throws.
 */
export function removeLeftSpill(root: string, clock: Clock): string[] {
  const hostId = escaped(currentHostId());
  return namesIn(root).filter((name) => {
    const owner = OWNER.exec(name);
    const folder = path.join(root, name);
    if (owner === null || !isLeft(owner, folder, hostId, clock)) return false;
    try {
      rmSync(folder, { recursive: true, force: true });
      return true;
    } catch {
      // Not ours to remove: it is tried again at the next start.
      return false;
    }
  });
}

function isLeft(owner: RegExpExecArray, folder: string, hostId: string, clock: Clock): boolean {
  const [, host, pid, start = ''] = owner;
  if (host === hostId)
    return !isSameProcessAlive(Number(pid), start === '' ? null : unescaped(start));
  return clock.now() - lastWriteMs(folder) > FOREIGN_KEPT_MS;
}

function lastWriteMs(folder: string): number {
  const files = [folder, ...namesIn(folder).map((name) => path.join(folder, name))];
  return Math.max(...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** As a part of a file name on every platform. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[*~]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
