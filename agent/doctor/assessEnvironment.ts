import { parseRole, ROLE_NAMES, ROLE_VARIABLE } from '../protocol/role.ts';
import { failure, ok, warning, type Check } from './check.ts';

/** Variables of the environment that do not what their setter hopes. */
export function assessEnvironment(env: NodeJS.ProcessEnv): Check[] {
  const name = 'environment';
  const checks: Check[] = [];
  const role = env[ROLE_VARIABLE]?.trim() ?? '';
  if (role !== '' && parseRole(role) === undefined) {
    const remedy = `Use ${ROLE_NAMES.join(', ')}, or several joined with a comma.`;
    checks.push(failure(name, `${ROLE_VARIABLE} is "${role}", which is no role.`, remedy));
  }
  if ((env['ENABLE_SCHEDULERS'] ?? '') !== '') {
    checks.push(
      warning(
        name,
        'ENABLE_SCHEDULERS is deprecated and has no effect.',
        'Set SERVICE_ROLE=scheduler where schedules are to be looked at, and take it out.',
      ),
    );
  }
  return checks.length > 0 ? checks : [ok(name, 'No variable of it is wrong or deprecated.')];
}
