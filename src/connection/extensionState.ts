import { assertNever } from '../../agent/common/assertNever.ts';
import type { RedisStatus } from '../../agent/protocol/model.ts';
import type { ExtensionState } from '../api.ts';
import type { Phase } from './supervisor.ts';

export interface Surroundings {
  hasFolder: boolean;
  trusted: boolean;
  /** There is a config file, or an address of a Redis to look at. */
  hasSubject: boolean;
  redis: RedisStatus['state'] | undefined;
}

/** What the whole extension shows, from the supervisor's phase and what is around it. */
export function extensionState(phase: Phase, around: Surroundings): ExtensionState {
  switch (phase.kind) {
    case 'connected':
      return around.redis === 'unreachable' ? 'redisUnreachable' : 'running';
    case 'looking':
    case 'draining':
    case 'launching':
    case 'waiting':
    case 'stopping':
      return around.trusted ? 'starting' : 'untrusted';
    case 'failed':
      return ['redisMissing', 'redisUnreachable'].includes(phase.problem.kind)
        ? 'redisUnreachable'
        : 'failed';
    case 'idle':
      if (!around.hasFolder) return 'noFolder';
      if (!around.trusted) return 'untrusted';
      return around.hasSubject ? 'stopped' : 'noConfig';
    default:
      return assertNever(phase);
  }
}
