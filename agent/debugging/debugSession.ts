import { assertNever } from '../common/assertNever.ts';

/** What a run under a debugger does now. */
export type DebugPhase =
  | { kind: 'armed' | 'starting' | 'ready' | 'running' | 'undebugged' | 'ended' }
  /** `left`: the debugger went away meanwhile; the run is kept where it is until a person chooses. */
  | { kind: 'paused' | 'left'; at: string; sinceMs: number };

export interface DebugProgress {
  phase: DebugPhase;
  /** Of the pauses that are over, in ms. */
  pausedMs: number;
}

/** Times are of the monotonic clock, in ms. */
export type DebugEvent =
  | { kind: 'inspector_open' }
  | { kind: 'attached' }
  | { kind: 'paused'; at: string; nowMs: number }
  /** The same pause, its place as the editor knows it. */
  | { kind: 'placed'; at: string }
  | { kind: 'resumed'; nowMs: number }
  | { kind: 'debugger_left' }
  /** Nobody holds it any more: it goes on by itself. */
  | { kind: 'released'; nowMs: number }
  | { kind: 'ended'; nowMs: number };

export const ARMED: DebugProgress = { phase: { kind: 'armed' }, pausedMs: 0 };
export const STARTING: DebugProgress = { phase: { kind: 'starting' }, pausedMs: 0 };

/** Events that do not belong to a phase change nothing: frames of the debugger may come late. */
export function debugProgress(before: DebugProgress, event: DebugEvent): DebugProgress {
  const { phase } = before;
  if (phase.kind === 'ended') return before;
  switch (event.kind) {
    case 'inspector_open':
      return phase.kind === 'starting' ? to(before, { kind: 'ready' }) : before;
    case 'attached':
      return phase.kind === 'ready' ? to(before, { kind: 'running' }) : before;
    case 'paused':
      if (phase.kind !== 'running') return before;
      return to(before, { kind: 'paused', at: event.at, sinceMs: event.nowMs });
    case 'placed':
      return phase.kind === 'paused' ? to(before, { ...phase, at: event.at }) : before;
    case 'resumed':
      return phase.kind === 'paused'
        ? afterPause(before, event.nowMs, { kind: 'running' })
        : before;
    case 'debugger_left':
      if (phase.kind === 'paused') return to(before, { ...phase, kind: 'left' });
      return phase.kind === 'running' ? to(before, { kind: 'undebugged' }) : before;
    case 'released':
      return afterPause(before, event.nowMs, { kind: 'undebugged' });
    case 'ended':
      return afterPause(before, event.nowMs, { kind: 'ended' });
    default:
      return assertNever(event);
  }
}

/** With the pause that goes on, in ms. */
export function pausedMsAt({ phase, pausedMs }: DebugProgress, nowMs: number): number {
  const goesOn = phase.kind === 'paused' || phase.kind === 'left';
  return Math.round(pausedMs + (goesOn ? Math.max(0, nowMs - phase.sinceMs) : 0));
}

function afterPause(before: DebugProgress, nowMs: number, phase: DebugPhase): DebugProgress {
  return { phase, pausedMs: pausedMsAt(before, nowMs) };
}

function to(before: DebugProgress, phase: DebugPhase): DebugProgress {
  return { ...before, phase };
}
