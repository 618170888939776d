import * as path from 'node:path';
import { assertNever } from '../../agent/common/assertNever.ts';
import type { DebugRow } from '../../agent/protocol/debug.ts';
import type { Translate } from './translate.ts';

/** `paused at notify.ts:42`: where a run under a debugger is; '' for one that has none. */
export function debugText(row: DebugRow | undefined, t: Translate): string {
  if (row === undefined) return '';
  switch (row.state) {
    case 'armed':
    case 'starting':
    case 'ready':
      return t('waits for the debugger');
    case 'running':
      return t('under the debugger');
    case 'paused':
      return t('paused at {0}', place(row));
    case 'left':
      return t('paused at {0}, debugger stopped', place(row));
    case 'undebugged':
    case 'ended':
      return '';
    default:
      return assertNever(row.state);
  }
}

/** The same for a tooltip, with what it means for everything that counts time. */
export function debugFacts(row: DebugRow | undefined, t: Translate): [string, string][] {
  if (row === undefined) return [];
  return [
    [t('Debugger'), debugText(row, t)],
    [t('At'), row.pausedAt ?? ''],
    [t('Meanwhile'), t('its lock is renewed, and no alert is raised for its age')],
    [t('Isolation'), row.movedOut ? t('in a process of its own, for the debugger') : ''],
  ];
}

function place({ pausedAt }: DebugRow): string {
  return pausedAt === null ? '' : path.basename(pausedAt);
}
