import { ROLE_VARIABLE } from './protocol/role.ts';

const ENABLE_SCHEDULERS = 'ENABLE_SCHEDULERS';
const NO = ['0', 'false', 'no', 'off'];

/** One sentence for each variable of the environment that has no effect any more: what to set. */
export function deprecationWarnings(env: NodeJS.ProcessEnv): string[] {
  const text = env[ENABLE_SCHEDULERS]?.trim().toLowerCase() ?? '';
  if (text === '') return [];
  const instead = NO.includes(text)
    ? `${ROLE_VARIABLE}=worker, api or calls for an agent that does not schedule`
    : `${ROLE_VARIABLE}=scheduler for an agent that only schedules, or several joined with a comma`;
  return [`${ENABLE_SCHEDULERS} is deprecated and has no effect: set ${instead}.`];
}
