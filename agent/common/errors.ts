/** Every failure a person may meet has one of these codes. The CLI maps them to exit codes. */
export const ERROR_CODES = [
  'bad_usage',
  'bad_config',
  'not_supported_yet',
  'bad_params',
  'unauthorized',
  'version_mismatch',
  'no_agent',
  'agent_stopping',
  'already_running',
  'redis_unreachable',
  'redis_refused',
  'redis_missing',
  'not_found',
  'role_forbids',
  'conflict',
  'runs_outside',
  'payload_invalid',
  'lease_lost',
  'handler_load_failed',
  'handler_failed',
  'handler_died',
  'handler_result_invalid',
  'given_back',
  'timeout',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorFields {
  code: ErrorCode;
  /** What happened, to what: one sentence. */
  message: string;
  /** What the person can do about it: one sentence, if anything can be done. */
  remedy?: string;
  /** Facts for machines: field path, id, path. Never secrets. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** An error made for a person: what happened, to what, what to do. */
export class InterlockError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Record<string, unknown>;

  constructor(fields: ErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'InterlockError';
    this.code = fields.code;
    this.remedy = fields.remedy;
    this.details = fields.details ?? {};
  }
}

/** The message of anything that was thrown, also of what is no Error. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message;
  if (typeof thrown !== 'object') return describePrimitive(thrown);
  try {
    return JSON.stringify(thrown);
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

function describePrimitive(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  if (typeof thrown === 'function') return `function ${thrown.name}`;
  return typeof thrown === 'symbol' ? thrown.toString() : `${typeof thrown} ${String(thrown)}`;
}

/** Anything thrown, as an InterlockError: known ones pass, the rest become `internal`. */
export function toInterlockError(thrown: unknown): InterlockError {
  if (thrown instanceof InterlockError) return thrown;
  return new InterlockError({ code: 'internal', message: messageOf(thrown), cause: thrown });
}
