import { RECONNECT_BACKOFF } from '../../common/backoff.ts';

export interface ConnectionTimings {
  /** For the first attempt; it doubles with each failure, up to four times that. */
  connectTimeoutMs: number;
  /** Silence after which the server is asked with a ping. */
  pingAfterSilenceMs: number;
  /** How long any frame may take after that ping. */
  answerWithinMs: number;
  /** Failures are forgotten after being live for that long, not at once: a server may flap. */
  stableAfterMs: number;
}

/**
 * A dead socket is noticed after silence and an unanswered ping: 9 s. The first attempt after that
 * begins within a backoff of 250 ms, and may take 5 s: subscribed again within 15 s.
 */
export const CONNECTION_TIMINGS: ConnectionTimings = {
  connectTimeoutMs: 5_000,
  pingAfterSilenceMs: 5_000,
  answerWithinMs: 4_000,
  stableAfterMs: 10_000,
};

/** What the timings above promise; a test adds them up. */
export const DEAD_NOTICED_WITHIN_MS = 10_000;
export const SUBSCRIBED_AGAIN_WITHIN_MS = 15_000;

/** A slow server must not be made slower by clients that give up and begin anew. */
const LONGEST_CONNECT_FACTOR = 4;

/** A frame that comes in pieces may take that many silences; then its server counts as dead. */
const WHOLE_FRAME_FACTOR = 10;

/** @param failures since it was last stable */
export function connectTimeoutMs(timings: ConnectionTimings, failures: number): number {
  return timings.connectTimeoutMs * Math.min(2 ** failures, LONGEST_CONNECT_FACTOR);
}

/** How long a connection may go without a whole frame, however many bytes come in. */
export function wholeFrameWithinMs(timings: ConnectionTimings): number {
  return timings.pingAfterSilenceMs * WHOLE_FRAME_FACTOR;
}

/**
 * A pong to a ping that left after the last subscription proves that the server has read them all.
 * One that answers no pings counts as subscribed after this time, if it says anything.
 */
export function confirmWithinMs(timings: ConnectionTimings): number {
  return timings.pingAfterSilenceMs / 5;
}

/** From a dead socket to being subscribed again, when the server answers at all. */
export function worstRecoveryMs(timings: ConnectionTimings): number {
  const noticedMs = worstNoticeMs(timings);
  return noticedMs + RECONNECT_BACKOFF.baseMs + connectTimeoutMs(timings, 0);
}

/** From the last byte of a server to the moment its socket is cut. */
export function worstNoticeMs(timings: ConnectionTimings): number {
  return timings.pingAfterSilenceMs + timings.answerWithinMs;
}
