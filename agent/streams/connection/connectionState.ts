import { assertNever } from '../../common/assertNever.ts';
import type { ConnectionState } from '../../protocol/model.ts';
import { judgeClose, type CloseCause } from './closeCause.ts';
import {
  confirmWithinMs,
  connectTimeoutMs,
  wholeFrameWithinMs,
  type ConnectionTimings,
} from './connectionTimings.ts';
import type { TurnWait } from './venueGate.ts';

export interface ConnectionRules {
  /** Attempts in a row before giving up; 0 = for ever. */
  maxRetries: number;
  timings: ConnectionTimings;
  /** The venue closes a connection after that; null: it does not. */
  maxLifetimeMs: number | null;
}

/**
 * How far a socket has come. `turn`: there is none yet, the venue lets others in first. `sending`:
 * subscriptions leave as the limits allow. `asked`: all of them have left, a ping behind them.
 * `heard`: something came since, though not its pong. `overdue`: nothing came in time, any frame
 * will do. `confirmed`: the server has read them.
 */
export type ConnectionPhase =
  'turn' | 'opening' | 'sending' | 'asked' | 'heard' | 'overdue' | 'confirmed';

/** One connection's life. `closed` is final; `suspended` waits for a person. */
export interface ConnectionModel {
  readonly state: ConnectionState;
  /** null: neither a socket nor one in the making. */
  readonly phase: ConnectionPhase | null;
  /** Failures since the connection was last stable. */
  readonly failures: number;
  /** Why it is not live, in words. */
  readonly trouble: string | null;
  /** Why the venue does not let it in yet. */
  readonly waits: TurnWait | null;
}

/** Only one timer runs at a time per name. */
export type ConnectionTimer = 'connect' | 'confirm' | 'silence' | 'retry' | 'stable' | 'rotate';

export type ConnectionEvent =
  | { type: 'turn_waits'; wait: TurnWait }
  | { type: 'turn' }
  | { type: 'opened' }
  /** Every subscription has left. */
  | { type: 'subscriptions_sent' }
  /** Other symbols are wanted now: what is asked for is not complete. */
  | { type: 'symbols_changed' }
  /** Any frame: a message, a ping or a pong. All of them prove that the other side lives. */
  | { type: 'frame'; isPong: boolean }
  | { type: 'gone'; cause: CloseCause }
  | { type: 'connect_timeout' }
  | { type: 'confirm_due' }
  | ({ type: 'silence_check' } & Silence)
  | { type: 'retry_due' }
  | { type: 'stable' }
  | { type: 'rotate_due' }
  | { type: 'resume' }
  | { type: 'stop'; politely: boolean };

export interface Silence {
  /** Since the last byte. */
  silentForMs: number;
  /** Since the last whole frame: a big one comes in many pieces. */
  noFrameForMs: number;
  /** The ping could not leave yet: nothing is proven. */
  pingWaits: boolean;
}

export type ConnectionEffect =
  | { type: 'await_turn' }
  | { type: 'open_socket' }
  /** Forgets the socket or the place in the queue: nothing of it counts. Politely: with a goodbye. */
  | { type: 'drop_socket'; politely: boolean }
  | { type: 'subscribe' }
  | { type: 'ping' }
  | { type: 'set_timer'; timer: ConnectionTimer; delayMs: number }
  /** Sets the `retry` timer: the asked time, and a jittered delay for that many failures. */
  | { type: 'back_off'; failures: number; atLeastMs: number }
  /** Sets the `rotate` timer to a jittered time before that. */
  | { type: 'plan_rotation'; maxLifetimeMs: number }
  | { type: 'want_rotation' }
  | { type: 'clear_timer'; timer: ConnectionTimer }
  | { type: 'clear_timers' };

export interface ConnectionStep {
  model: ConnectionModel;
  effects: ConnectionEffect[];
}

/** Before `beginConnection`. */
export const UNBORN_CONNECTION: ConnectionModel = {
  ...{ state: 'connecting', phase: null, failures: 0, trouble: null, waits: null },
};

/** The first step of a connection's life. */
export function beginConnection(): ConnectionStep {
  return connect(0, null);
}

/** What an event does to a connection. Pure: what is to be done comes back as effects, in order. */
export function stepConnection(
  model: ConnectionModel,
  event: ConnectionEvent,
  rules: ConnectionRules,
): ConnectionStep {
  if (model.state === 'closed') return unchanged(model);
  switch (event.type) {
    case 'stop':
      return {
        model: { ...model, ...NO_SOCKET, state: 'closed' },
        effects: [{ type: 'clear_timers' }, { type: 'drop_socket', politely: event.politely }],
      };
    case 'turn_waits':
      if (model.phase !== 'turn') return unchanged(model);
      return { model: { ...model, waits: event.wait }, effects: [] };
    case 'turn':
      return model.phase === 'turn' ? open(model, rules) : unchanged(model);
    case 'opened':
      return model.phase === 'opening' ? subscribe(model, rules) : unchanged(model);
    case 'subscriptions_sent':
      return model.phase === 'sending' ? askForProof(model, rules) : unchanged(model);
    case 'symbols_changed':
      // What follows the ping is not proven by its pong: another ping will be behind it.
      return model.phase === 'asked' || model.phase === 'heard' || model.phase === 'overdue'
        ? { model: { ...model, phase: 'sending' }, effects: [] }
        : unchanged(model);
    case 'frame':
      return onFrame(model, event.isPong, rules);
    case 'gone':
      return hasSocket(model) ? onGone(model, event.cause, rules) : unchanged(model);
    case 'connect_timeout': {
      if (model.phase !== 'opening') return unchanged(model);
      const waited = seconds(connectTimeoutMs(rules.timings, model.failures));
      return fail(model, `No connection within ${waited}.`, rules);
    }
    case 'confirm_due':
      return onConfirmDue(model, rules);
    case 'silence_check':
      return onSilence(model, event, rules);
    case 'retry_due':
      return model.state === 'backing_off'
        ? connect(model.failures, model.trouble)
        : unchanged(model);
    case 'stable':
      return model.state === 'live'
        ? { model: { ...model, failures: 0 }, effects: [] }
        : unchanged(model);
    case 'rotate_due':
      return hasSocket(model) ? { model, effects: [{ type: 'want_rotation' }] } : unchanged(model);
    case 'resume':
      return model.state === 'suspended' ? connect(0, model.trouble) : unchanged(model);
    default:
      return assertNever(event);
  }
}

/** Whether a socket exists or is being made. */
export function hasSocket({ phase }: ConnectionModel): boolean {
  return phase !== null && phase !== 'turn';
}

/** Why it is not live, in words: what failed last, and what it waits for now. */
export function troubleOf({ trouble, waits }: ConnectionModel): string | null {
  if (waits === null) return trouble;
  return trouble === null ? waits.why : `${waits.why} Before: ${trouble}`;
}

const NO_SOCKET = { phase: null, waits: null } as const;

function connect(failures: number, trouble: string | null): ConnectionStep {
  return {
    model: { state: 'connecting', phase: 'turn', failures, trouble, waits: null },
    effects: [{ type: 'await_turn' }],
  };
}

function open(model: ConnectionModel, { timings }: ConnectionRules): ConnectionStep {
  const delayMs = connectTimeoutMs(timings, model.failures);
  return {
    model: { ...model, phase: 'opening', waits: null },
    effects: [{ type: 'set_timer', timer: 'connect', delayMs }, { type: 'open_socket' }],
  };
}

function subscribe(model: ConnectionModel, rules: ConnectionRules): ConnectionStep {
  const { timings, maxLifetimeMs } = rules;
  const rotation: ConnectionEffect[] =
    maxLifetimeMs === null ? [] : [{ type: 'plan_rotation', maxLifetimeMs }];
  return {
    model: { ...model, state: 'subscribing', phase: 'sending' },
    effects: [
      { type: 'clear_timer', timer: 'connect' },
      { type: 'set_timer', timer: 'silence', delayMs: timings.pingAfterSilenceMs },
      ...rotation,
      { type: 'subscribe' },
    ],
  };
}

/** The ping asks for a first frame at once, also: a quiet market is live, too. */
function askForProof(model: ConnectionModel, { timings }: ConnectionRules): ConnectionStep {
  return {
    model: { ...model, phase: 'asked' },
    effects: [
      { type: 'set_timer', timer: 'confirm', delayMs: confirmWithinMs(timings) },
      { type: 'ping' },
    ],
  };
}

function onFrame(model: ConnectionModel, isPong: boolean, rules: ConnectionRules): ConnectionStep {
  const { state, phase } = model;
  if (state !== 'subscribing' && state !== 'stale') return unchanged(model);
  const isProof = isPong && (phase === 'asked' || phase === 'heard');
  if (phase === 'confirmed' || phase === 'overdue' || isProof) return goLive(model, rules);
  if (phase === 'asked') return onFrame({ ...model, phase: 'heard' }, isPong, rules);
  if (state === 'subscribing') return unchanged(model);
  const delayMs = rules.timings.pingAfterSilenceMs;
  return {
    model: { ...model, state: 'subscribing', trouble: null },
    effects: [{ type: 'set_timer', timer: 'silence', delayMs }],
  };
}

function goLive(model: ConnectionModel, { timings }: ConnectionRules): ConnectionStep {
  return {
    model: { ...model, state: 'live', phase: 'confirmed', trouble: null },
    effects: [
      { type: 'clear_timer', timer: 'confirm' },
      { type: 'set_timer', timer: 'silence', delayMs: timings.pingAfterSilenceMs },
      { type: 'set_timer', timer: 'stable', delayMs: timings.stableAfterMs },
    ],
  };
}

function onConfirmDue(model: ConnectionModel, rules: ConnectionRules): ConnectionStep {
  if (model.phase === 'heard') return goLive(model, rules);
  if (model.phase !== 'asked') return unchanged(model);
  return { model: { ...model, phase: 'overdue' }, effects: [] };
}

function onSilence(
  model: ConnectionModel,
  silence: Silence,
  rules: ConnectionRules,
): ConnectionStep {
  const { timings } = rules;
  const { silentForMs, noFrameForMs } = silence;
  const { state } = model;
  if (state === 'stale') return onUnanswered(model, silence, rules);
  if (state !== 'live' && state !== 'subscribing') return unchanged(model);
  if (silentForMs < timings.pingAfterSilenceMs && noFrameForMs < wholeFrameWithinMs(timings)) {
    return lookAgain(model, timings.pingAfterSilenceMs - silentForMs);
  }
  const trouble = `No frame for ${seconds(noFrameForMs)}: asked with a ping.`;
  return {
    model: { ...model, state: 'stale', trouble },
    effects: [
      { type: 'clear_timer', timer: 'stable' },
      { type: 'set_timer', timer: 'silence', delayMs: timings.answerWithinMs },
      { type: 'ping' },
    ],
  };
}

/** After the ping a whole answer time is given, even when this process itself slept for long. */
function onUnanswered(
  model: ConnectionModel,
  { silentForMs, noFrameForMs, pingWaits }: Silence,
  rules: ConnectionRules,
): ConnectionStep {
  const { answerWithinMs } = rules.timings;
  if (noFrameForMs < wholeFrameWithinMs(rules.timings)) {
    if (pingWaits) return lookAgain(model, answerWithinMs);
    if (silentForMs < answerWithinMs) return lookAgain(model, answerWithinMs - silentForMs);
  }
  const trouble = `No frame for ${seconds(noFrameForMs)}, not even an answer to a ping.`;
  return fail(model, trouble, rules);
}

const lookAgain = (model: ConnectionModel, delayMs: number): ConnectionStep => ({
  model,
  effects: [{ type: 'set_timer', timer: 'silence', delayMs }],
});

function onGone(model: ConnectionModel, cause: CloseCause, rules: ConnectionRules): ConnectionStep {
  const { retry, trouble, atLeastMs } = judgeClose(cause);
  return retry ? fail(model, trouble, rules, atLeastMs) : suspend(model, trouble);
}

function fail(
  model: ConnectionModel,
  trouble: string,
  rules: ConnectionRules,
  atLeastMs = 0,
): ConnectionStep {
  const { failures } = model;
  if (rules.maxRetries > 0 && failures >= rules.maxRetries) {
    const times = `${rules.maxRetries} ${rules.maxRetries === 1 ? 'retry' : 'retries'}`;
    return suspend(
      model,
      `Gave up after ${times} ("maxRetries"). Last: ${trouble} Resume the stream to try again.`,
    );
  }
  return {
    model: { ...NO_SOCKET, state: 'backing_off', failures: failures + 1, trouble },
    effects: [
      { type: 'clear_timers' },
      { type: 'drop_socket', politely: false },
      { type: 'back_off', failures, atLeastMs },
    ],
  };
}

function suspend(model: ConnectionModel, trouble: string): ConnectionStep {
  return {
    model: { ...model, ...NO_SOCKET, state: 'suspended', trouble },
    effects: [{ type: 'clear_timers' }, { type: 'drop_socket', politely: false }],
  };
}

const unchanged = (model: ConnectionModel): ConnectionStep => ({ model, effects: [] });

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
