import { assertNever } from '../common/assertNever.ts';
import type { ConnectionState } from '../protocol/model.ts';
import { judgeClose, type CloseCause } from './closeCause.ts';

export interface ConnectionTimings {
  connectTimeoutMs: number;
  /** Silence after which the server is asked with a ping. */
  pingAfterSilenceMs: number;
  /** How long any frame may take after that ping. With the silence before it: at most 10 s. */
  answerWithinMs: number;
  /** Failures are forgotten after being live for that long, not at once: a server may flap. */
  stableAfterMs: number;
}

export const CONNECTION_TIMINGS: ConnectionTimings = {
  connectTimeoutMs: 10_000,
  pingAfterSilenceMs: 5_000,
  answerWithinMs: 4_000,
  stableAfterMs: 10_000,
};

export interface ConnectionRules {
  /** Attempts in a row before giving up; 0 = for ever. */
  maxRetries: number;
  timings: ConnectionTimings;
}

/** One connection's life. `closed` is final; `suspended` waits for a person. */
export interface ConnectionModel {
  readonly state: ConnectionState;
  /** Failures since the connection was last stable. */
  readonly failures: number;
  /** Why it is not live, in words. */
  readonly trouble: string | null;
}

/** Only one timer runs at a time per name. */
export type ConnectionTimer = 'connect' | 'silence' | 'retry' | 'stable';

export type ConnectionEvent =
  | { type: 'opened' }
  /** Any frame: a message, a ping or a pong. All of them prove that the other side lives. */
  | { type: 'frame' }
  | { type: 'gone'; cause: CloseCause }
  | { type: 'connect_timeout' }
  | { type: 'silence_check'; silentForMs: number }
  | { type: 'retry_due' }
  | { type: 'stable' }
  | { type: 'stop'; politely: boolean };

export type ConnectionEffect =
  | { type: 'open_socket' }
  /** Forgets the socket: nothing that it still says counts. Politely: with a goodbye. */
  | { type: 'drop_socket'; politely: boolean }
  | { type: 'subscribe' }
  | { type: 'ping' }
  | { type: 'set_timer'; timer: ConnectionTimer; delayMs: number }
  /** Sets the `retry` timer to a jittered delay for that many failures. */
  | { type: 'back_off'; failures: number }
  | { type: 'clear_timer'; timer: ConnectionTimer }
  | { type: 'clear_timers' };

export interface ConnectionStep {
  model: ConnectionModel;
  effects: ConnectionEffect[];
}

/** The first step of a connection's life. */
export function beginConnection(rules: ConnectionRules): ConnectionStep {
  return connect({ failures: 0, trouble: null }, rules);
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
        model: { ...model, state: 'closed' },
        effects: [{ type: 'clear_timers' }, { type: 'drop_socket', politely: event.politely }],
      };
    case 'opened':
      return model.state === 'connecting' ? subscribe(model, rules) : unchanged(model);
    case 'frame':
      return onFrame(model, rules);
    case 'gone':
      return hasSocket(model) ? onGone(model, event.cause, rules) : unchanged(model);
    case 'connect_timeout':
      if (model.state !== 'connecting') return unchanged(model);
      return fail(model, `No connection within ${seconds(rules.timings.connectTimeoutMs)}.`, rules);
    case 'silence_check':
      return onSilence(model, event.silentForMs, rules);
    case 'retry_due':
      return model.state === 'backing_off' ? connect(model, rules) : unchanged(model);
    case 'stable':
      return model.state === 'live'
        ? { model: { ...model, failures: 0 }, effects: [] }
        : unchanged(model);
    default:
      return assertNever(event);
  }
}

function connect(from: Omit<ConnectionModel, 'state'>, rules: ConnectionRules): ConnectionStep {
  return {
    model: { state: 'connecting', failures: from.failures, trouble: from.trouble },
    effects: [
      { type: 'open_socket' },
      { type: 'set_timer', timer: 'connect', delayMs: rules.timings.connectTimeoutMs },
    ],
  };
}

/** The ping asks for a first frame at once: a quiet market is live, too. */
function subscribe(model: ConnectionModel, rules: ConnectionRules): ConnectionStep {
  return {
    model: { ...model, state: 'subscribing' },
    effects: [
      { type: 'clear_timer', timer: 'connect' },
      { type: 'set_timer', timer: 'silence', delayMs: rules.timings.pingAfterSilenceMs },
      { type: 'ping' },
      { type: 'subscribe' },
    ],
  };
}

function onFrame(model: ConnectionModel, rules: ConnectionRules): ConnectionStep {
  if (model.state !== 'subscribing' && model.state !== 'stale') return unchanged(model);
  const { pingAfterSilenceMs, stableAfterMs } = rules.timings;
  return {
    model: { ...model, state: 'live', trouble: null },
    effects: [
      { type: 'set_timer', timer: 'silence', delayMs: pingAfterSilenceMs },
      { type: 'set_timer', timer: 'stable', delayMs: stableAfterMs },
    ],
  };
}

/** After the ping a whole answer time is given, even when this process itself slept for long. */
function onSilence(
  model: ConnectionModel,
  silentForMs: number,
  rules: ConnectionRules,
): ConnectionStep {
  const { pingAfterSilenceMs, answerWithinMs } = rules.timings;
  if (model.state === 'stale') {
    const total = pingAfterSilenceMs + answerWithinMs;
    return fail(model, `No frame for ${seconds(total)}, not even an answer to a ping.`, rules);
  }
  if (model.state !== 'live' && model.state !== 'subscribing') return unchanged(model);
  if (silentForMs < pingAfterSilenceMs) {
    const delayMs = pingAfterSilenceMs - silentForMs;
    return { model, effects: [{ type: 'set_timer', timer: 'silence', delayMs }] };
  }
  const trouble = `No frame for ${seconds(pingAfterSilenceMs)}: asked with a ping.`;
  return {
    model: { ...model, state: 'stale', trouble },
    effects: [
      { type: 'clear_timer', timer: 'stable' },
      { type: 'set_timer', timer: 'silence', delayMs: answerWithinMs },
      { type: 'ping' },
    ],
  };
}

function onGone(model: ConnectionModel, cause: CloseCause, rules: ConnectionRules): ConnectionStep {
  const verdict = judgeClose(cause);
  return verdict.retry ? fail(model, verdict.trouble, rules) : suspend(model, verdict.trouble);
}

function fail(model: ConnectionModel, trouble: string, rules: ConnectionRules): ConnectionStep {
  if (rules.maxRetries > 0 && model.failures >= rules.maxRetries) {
    const times = `${rules.maxRetries} ${rules.maxRetries === 1 ? 'retry' : 'retries'}`;
    return suspend(
      model,
      `Gave up after ${times} ("maxRetries"). Last: ${trouble} Restart the stream to try again.`,
    );
  }
  return {
    model: { state: 'backing_off', failures: model.failures + 1, trouble },
    effects: [
      { type: 'clear_timers' },
      { type: 'drop_socket', politely: false },
      { type: 'back_off', failures: model.failures },
    ],
  };
}

function suspend(model: ConnectionModel, trouble: string): ConnectionStep {
  return {
    model: { ...model, state: 'suspended', trouble },
    effects: [{ type: 'clear_timers' }, { type: 'drop_socket', politely: false }],
  };
}

const unchanged = (model: ConnectionModel): ConnectionStep => ({ model, effects: [] });

/** Whether a socket exists or is being made in this state. */
export function hasSocket(model: ConnectionModel): boolean {
  const { state } = model;
  return state === 'connecting' || state === 'subscribing' || state === 'live' || state === 'stale';
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
