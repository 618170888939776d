import { failure, ok, warning, type Check } from './check.ts';

const ROLES: ReadonlySet<string> = new Set(['api', 'calls', 'worker', 'scheduler', 'all']);

/** Variables of the environment that do not what their setter hopes. */
export function assessEnvironment(env: NodeJS.ProcessEnv): Check[] {
  const name = 'environment';
  const checks: Check[] = [];
  const role = env['SERVICE_ROLE']?.trim() ?? '';
  const unknown = role === '' ? [] : role.split(',').filter((one) => !ROLES.has(one.trim()));
  if (unknown.length > 0) {
    const roles = [...ROLES].join(', ');
    checks.push(
      failure(
        name,
        `SERVICE_ROLE is ${role}: there is no role ${unknown.join(', ')}.`,
        `Use ${roles}.`,
      ),
    );
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
