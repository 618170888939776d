import { assertNever } from '../../agent/common/assertNever.ts';
import { needsPerson, type Problem } from './problem.ts';

/** `run`: there shall be an agent. `watch`: use one that is there, but start none. */
export type Want = 'run' | 'watch';

export type Phase =
  /** No agent, and none is looked for until something happens. */
  | { kind: 'idle' }
  | { kind: 'looking' }
  /** An older agent was asked to leave. */
  | { kind: 'draining' }
  | { kind: 'launching' }
  | { kind: 'connected' }
  | { kind: 'stopping'; then: Want }
  /** Until the next attempt. */
  | { kind: 'waiting'; delayMs: number }
  | { kind: 'failed'; problem: Problem };

export interface SupervisorState {
  want: Want;
  phase: Phase;
  /** When agents ended that should not have, within the budget's window. */
  exitsAtMs: readonly number[];
}

export type SupervisorEvent =
  /** What this window wants has become clear or has changed: activation, trust, folder, config. */
  | { type: 'wanted'; want: Want }
  /** A person asks for an agent: the past is forgiven. */
  | { type: 'startRequested' }
  | { type: 'stopRequested' }
  | { type: 'restartRequested' }
  /** Another window or a terminal may have started one. */
  | { type: 'agentMayBeThere' }
  | { type: 'connected' }
  | { type: 'noAgent' }
  | { type: 'olderAgent' }
  | { type: 'newerAgent'; problem: Problem }
  | { type: 'drained' }
  | { type: 'launchFailed'; problem: Problem; atMs: number }
  /** `asked`: the agent said before that it leaves, so nobody wants it back. */
  | { type: 'connectionLost'; cause: 'asked' | 'crash'; atMs: number }
  | { type: 'stopped' }
  | { type: 'timerFired' };

export type SupervisorEffect =
  | { type: 'look' }
  | { type: 'drain' }
  | { type: 'launch' }
  | { type: 'stop' }
  | { type: 'startTimer'; delayMs: number };

export interface Transition {
  state: SupervisorState;
  effect?: SupervisorEffect;
}

/** The restart budget of language clients: five ends within three minutes are a bug, not bad luck. */
export const MAX_EXITS = 5;
export const EXIT_WINDOW_MS = 180_000;
const FIRST_DELAY_MS = 100;

export const initialSupervisor: SupervisorState = {
  want: 'watch',
  phase: { kind: 'idle' },
  exitsAtMs: [],
};

/** Pure: from a state and an event to the next state and at most one thing to do. */
export function supervise(state: SupervisorState, event: SupervisorEvent): Transition {
  if (isOutdated(state.phase, event)) return { state };
  switch (event.type) {
    case 'wanted':
      return onWanted(state, event.want);
    case 'startRequested':
      return onStartRequested(state);
    case 'stopRequested':
      return onStopRequested(state, 'watch');
    case 'restartRequested':
      return state.phase.kind === 'connected'
        ? onStopRequested(state, 'run')
        : onStartRequested(state);
    case 'agentMayBeThere':
      return state.phase.kind === 'idle' ? enter(state, 'looking') : { state };
    case 'connected':
      return { state: { ...state, phase: { kind: 'connected' } } };
    case 'noAgent':
      return state.want === 'run' ? enter(state, 'launching') : enter(state, 'idle');
    case 'olderAgent':
      return state.want === 'run' ? enter(state, 'draining') : enter(state, 'idle');
    case 'newerAgent':
      return fail(state, event.problem);
    case 'drained':
      return enter(state, 'launching');
    case 'launchFailed':
      return needsPerson(event.problem.kind)
        ? fail(state, event.problem)
        : onExit(state, event.atMs, event.problem);
    case 'connectionLost':
      return onConnectionLost(state, event.cause, event.atMs);
    case 'stopped':
      return state.phase.kind === 'stopping' ? onStopped(state, state.phase.then) : { state };
    case 'timerFired':
      return state.phase.kind === 'waiting' ? enter(state, 'looking') : { state };
    default:
      return assertNever(event);
  }
}

/** An answer to something that is no longer being done. */
function isOutdated({ kind }: Phase, event: SupervisorEvent): boolean {
  switch (event.type) {
    case 'connected':
    case 'noAgent':
    case 'olderAgent':
    case 'newerAgent':
      return kind !== 'looking' && kind !== 'launching';
    case 'launchFailed':
      return kind !== 'looking' && kind !== 'launching' && kind !== 'draining';
    case 'drained':
      return kind !== 'draining';
    case 'wanted':
    case 'startRequested':
    case 'stopRequested':
    case 'restartRequested':
    case 'agentMayBeThere':
    case 'connectionLost':
    case 'stopped':
    case 'timerFired':
      return false;
    default:
      return assertNever(event);
  }
}

function onWanted(state: SupervisorState, want: Want): Transition {
  const next = { ...state, want };
  switch (state.phase.kind) {
    case 'idle':
    case 'failed':
      return enter({ ...next, exitsAtMs: [] }, 'looking');
    case 'looking':
    case 'draining':
    case 'launching':
    case 'connected':
    case 'stopping':
    case 'waiting':
      return { state: next };
    default:
      return assertNever(state.phase);
  }
}

function onStartRequested(state: SupervisorState): Transition {
  const forgiven: SupervisorState = { ...state, want: 'run', exitsAtMs: [] };
  switch (state.phase.kind) {
    case 'idle':
    case 'failed':
    case 'waiting':
      return enter(forgiven, 'looking');
    case 'stopping':
      return { state: { ...forgiven, phase: { kind: 'stopping', then: 'run' } } };
    case 'looking':
    case 'draining':
    case 'launching':
    case 'connected':
      return { state: forgiven };
    default:
      return assertNever(state.phase);
  }
}

function onStopRequested(state: SupervisorState, then: Want): Transition {
  const next: SupervisorState = { ...state, want: then };
  switch (state.phase.kind) {
    case 'connected':
    case 'launching':
      return { state: { ...next, phase: { kind: 'stopping', then } }, effect: { type: 'stop' } };
    case 'stopping':
      return { state: { ...next, phase: { kind: 'stopping', then } } };
    case 'idle':
    case 'looking':
    case 'draining':
    case 'waiting':
    case 'failed':
      return enter(next, 'idle');
    default:
      return assertNever(state.phase);
  }
}

function onStopped(state: SupervisorState, then: Want): Transition {
  const next: SupervisorState = { ...state, want: then, exitsAtMs: [] };
  return enter(next, then === 'run' ? 'launching' : 'idle');
}

function onConnectionLost(
  state: SupervisorState,
  cause: 'asked' | 'crash',
  atMs: number,
): Transition {
  // While stopping, the answer to the stop request tells how it went, not the connection.
  if (state.phase.kind !== 'connected') return { state };
  if (cause === 'asked' || state.want === 'watch')
    return enter({ ...state, want: 'watch' }, 'idle');
  return onExit(state, atMs, {
    kind: 'crashing',
    message: `The agent ended ${MAX_EXITS} times within ${EXIT_WINDOW_MS / 60_000} minutes.`,
    remedy: 'Look into the log for the cause, then try again.',
  });
}

/** @param last what to tell when the budget is spent */
function onExit(state: SupervisorState, atMs: number, last: Problem): Transition {
  const exitsAtMs = [...state.exitsAtMs, atMs].filter((exit) => exit > atMs - EXIT_WINDOW_MS);
  if (exitsAtMs.length >= MAX_EXITS) return fail({ ...state, exitsAtMs }, last);
  const delayMs = FIRST_DELAY_MS * 4 ** (exitsAtMs.length - 1);
  return {
    state: { ...state, exitsAtMs, phase: { kind: 'waiting', delayMs } },
    effect: { type: 'startTimer', delayMs },
  };
}

function fail(state: SupervisorState, problem: Problem): Transition {
  return { state: { ...state, phase: { kind: 'failed', problem } } };
}

function enter(
  state: SupervisorState,
  kind: 'idle' | 'looking' | 'draining' | 'launching',
): Transition {
  const next: SupervisorState = { ...state, phase: { kind } };
  switch (kind) {
    case 'idle':
      return { state: next };
    case 'looking':
      return { state: next, effect: { type: 'look' } };
    case 'draining':
      return { state: next, effect: { type: 'drain' } };
    case 'launching':
      return { state: next, effect: { type: 'launch' } };
    default:
      return assertNever(kind);
  }
}
