import { assertNever } from '../common/assertNever.ts';
import type { ErrorCode } from '../common/errors.ts';

/** What the command's end means to a script. */
export const EXIT = { done: 0, failed: 1, badUsage: 2, noAgent: 3, redisUnreachable: 4 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case 'bad_usage':
    case 'bad_config':
    case 'bad_params':
    case 'not_supported_yet':
    case 'payload_invalid':
      return EXIT.badUsage;
    case 'no_agent':
    case 'agent_stopping':
      return EXIT.noAgent;
    case 'redis_unreachable':
    case 'redis_refused':
    case 'redis_missing':
      return EXIT.redisUnreachable;
    case 'unauthorized':
    case 'version_mismatch':
    case 'already_running':
    case 'not_found':
    case 'role_forbids':
    case 'conflict':
    case 'runs_outside':
    case 'lease_lost':
    case 'handler_load_failed':
    case 'handler_failed':
    case 'handler_died':
    case 'handler_result_invalid':
    case 'given_back':
    case 'timeout':
    case 'internal':
      return EXIT.failed;
    default:
      return assertNever(code);
  }
}
