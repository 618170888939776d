import * as vscode from 'vscode';
import { assertNever } from '../../agent/common/assertNever.ts';
import type { DecisionOutcome } from '../../agent/protocol/decision.ts';
import type {
  AgeLevel,
  ConnectionState,
  JobState,
  LeaderRow,
  LockKind,
  LockRow,
  ScheduleRow,
} from '../../agent/protocol/model.ts';
import type { StreamHealth } from '../model/selectors.ts';
import { outcomeTone } from '../present/decisionText.ts';

/** Colours by meaning, from the theme. */
type Tone = 'good' | 'busy' | 'warn' | 'critical' | 'bad' | 'quiet' | 'plain';

/** A run under a debugger: a person is at it. */
export function debugIcon(): vscode.ThemeIcon {
  return icon('debug-alt', 'busy');
}

export function streamIcon(health: StreamHealth): vscode.ThemeIcon {
  switch (health) {
    case 'live':
      return icon('pulse', 'good');
    case 'partly':
      return icon('pulse', 'warn');
    case 'connecting':
      return icon('sync', 'busy');
    case 'waiting':
      return icon('lock', 'quiet');
    case 'elsewhere':
      return icon('server-process', 'good');
    case 'suspended':
      return icon('warning', 'warn');
    case 'sleeping':
      return icon('watch', 'quiet');
    case 'stopped':
      return icon('circle-outline', 'quiet');
    default:
      return assertNever(health);
  }
}

/** @param elsewhere another agent has it */
export function connectionIcon(state: ConnectionState, elsewhere: boolean): vscode.ThemeIcon {
  switch (state) {
    case 'live':
      return icon(elsewhere ? 'server-process' : 'circle-filled', 'good');
    case 'connecting':
    case 'subscribing':
      return icon('sync', 'busy');
    case 'stale':
      return icon('mute', 'warn');
    case 'backing_off':
      return icon('sync', 'warn');
    case 'suspended':
      return icon('warning', 'warn');
    case 'closed':
      return icon('circle-outline', 'quiet');
    case 'waiting':
      return icon('lock', 'quiet');
    case 'sleeping':
      return icon('watch', 'quiet');
    default:
      return assertNever(state);
  }
}

export function noteIcon(warns: boolean): vscode.ThemeIcon {
  return warns ? icon('info', 'warn') : icon('info', 'quiet');
}

export function symbolsIcon(): vscode.ThemeIcon {
  return icon('tag', 'quiet');
}

/** The sign of a state, or of an age that someone must look at. */
export function jobIcon(state: JobState, level: AgeLevel = 'normal'): vscode.ThemeIcon {
  return agedIcon('play-circle', level) ?? stateIcon(state);
}

function stateIcon(state: JobState): vscode.ThemeIcon {
  switch (state) {
    case 'active':
      return icon('play-circle', 'busy');
    case 'waiting':
      return icon('circle-outline', 'plain');
    case 'prioritized':
      return icon('arrow-circle-up', 'plain');
    case 'delayed':
      return icon('watch', 'plain');
    case 'waiting-children':
      return icon('type-hierarchy-sub', 'plain');
    case 'failed':
      return icon('error', 'bad');
    case 'completed':
      return icon('pass', 'good');
    default:
      return assertNever(state);
  }
}

export function queueIcon(paused: boolean): vscode.ThemeIcon {
  return paused ? icon('debug-pause', 'warn') : icon('layers', 'plain');
}

export function scheduleIcon(schedule: ScheduleRow): vscode.ThemeIcon {
  if (schedule.pausedAt !== null) return icon('debug-pause', 'warn');
  if (schedule.outside?.state === 'stuck') return icon('warning', 'warn');
  return icon('watch', schedule.nextSlotAt === null ? 'quiet' : 'plain');
}

export function leaderIcon(end: LeaderRow['end']): vscode.ThemeIcon {
  switch (end) {
    case 'holds':
      return icon('calendar', 'good');
    case 'released':
      return icon('pass', 'quiet');
    case 'died':
    case 'lost':
      return icon('warning', 'warn');
    default:
      return assertNever(end);
  }
}

export function lockIcon(lock: LockRow, level: AgeLevel): vscode.ThemeIcon {
  if (lock.state === 'holder_dead') return icon('warning', 'bad');
  if (lock.state === 'orphaned') return icon('debug-disconnect', 'bad');
  const sign = lockSign(lock.kind);
  const aged = agedIcon(sign, level);
  if (aged !== undefined) return aged;
  if (lock.state === 'paused') return icon('debug-pause', 'busy');
  return icon(sign, lock.state === 'expiring' ? 'warn' : 'plain');
}

export function lockGroupIcon(kind: LockKind): vscode.ThemeIcon {
  return icon(lockSign(kind), 'quiet');
}

function lockSign(kind: LockKind): string {
  switch (kind) {
    case 'scheduler':
      return 'calendar';
    case 'stream':
      return 'pulse';
    case 'run':
    case 'job':
      return 'lock';
    case 'dedup':
      return 'key';
    case 'watched':
      return 'eye';
    default:
      return assertNever(kind);
  }
}

/** Shape and colour both tell, for those who do not see one of them. */
function agedIcon(sign: string, level: AgeLevel): vscode.ThemeIcon | undefined {
  switch (level) {
    case 'normal':
      return undefined;
    case 'warning':
      return icon(sign, 'warn');
    case 'critical':
      return icon('warning', 'critical');
    case 'emergency':
      return icon('flame', 'bad');
    default:
      return assertNever(level);
  }
}

export function decisionIcon(outcome: DecisionOutcome): vscode.ThemeIcon {
  const tone = outcomeTone(outcome);
  switch (tone) {
    case 'good':
      return icon('check', 'good');
    case 'calm':
      return icon('debug-step-over', 'plain');
    case 'bad':
      return icon('circle-slash', 'warn');
    default:
      return assertNever(tone);
  }
}

/** The same sign without its colour: what it says may no longer be so. */
export function staleIcon(shown: vscode.ThemeIcon): vscode.ThemeIcon {
  return new vscode.ThemeIcon(shown.id, new vscode.ThemeColor('disabledForeground'));
}

function icon(id: string, tone: Tone): vscode.ThemeIcon {
  const colour = colourOf(tone);
  return colour === undefined
    ? new vscode.ThemeIcon(id)
    : new vscode.ThemeIcon(id, new vscode.ThemeColor(colour));
}

function colourOf(tone: Tone): string | undefined {
  switch (tone) {
    case 'good':
      return 'testing.iconPassed';
    case 'busy':
      return 'charts.blue';
    case 'warn':
      return 'list.warningForeground';
    case 'critical':
      return 'problemsWarningIcon.foreground';
    case 'bad':
      return 'testing.iconFailed';
    case 'quiet':
      return 'disabledForeground';
    case 'plain':
      return undefined;
    default:
      return assertNever(tone);
  }
}
