import type { ErrorCode } from '../../agent/common/errors.ts';

/** Why there is no agent, by what a person has to do about it. Also the values of `interlock.problem`. */
export type ProblemKind =
  | 'badConfig'
  | 'redisMissing'
  | 'redisUnreachable'
  | 'newerAgent'
  | 'oldAgentBusy'
  | 'crashing'
  | 'cannotStart';

export interface Problem {
  kind: ProblemKind;
  message: string;
  remedy?: string | undefined;
}

/** Trying again changes nothing about these until a person has done something. */
export function needsPerson(kind: ProblemKind): boolean {
  return kind !== 'crashing' && kind !== 'cannotStart';
}

/** What an agent that ended at once has left behind: its exit code and, if it told, its error. */
export function problemKindOf(exitCode: number | null, code: ErrorCode | undefined): ProblemKind {
  const told = code === undefined ? undefined : KIND_BY_CODE[code];
  if (told !== undefined) return told;
  if (exitCode === 2) return 'badConfig';
  return exitCode === 4 ? 'redisUnreachable' : 'cannotStart';
}

const KIND_BY_CODE: Partial<Record<ErrorCode, ProblemKind>> = {
  bad_config: 'badConfig',
  not_supported_yet: 'badConfig',
  bad_usage: 'badConfig',
  redis_missing: 'redisMissing',
  redis_unreachable: 'redisUnreachable',
  redis_refused: 'redisUnreachable',
};
