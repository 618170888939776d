import { InterlockError } from '../common/errors.ts';

/** What an agent can be started as. Several are joined with a comma. */
export const ROLE_NAMES = ['api', 'calls', 'worker', 'scheduler', 'all'] as const;

export type RoleName = (typeof ROLE_NAMES)[number];

/**
 * What an agent may do besides looking, which all of them may. `commands`: enqueue, and what a
 * person does to jobs and queues. `simulations` start processes of their own, for development.
 */
export type Duty = 'commands' | 'streams' | 'runs' | 'schedules' | 'simulations';

const DUTIES: Readonly<Record<RoleName, readonly Duty[]>> = {
  api: ['commands'],
  calls: ['commands', 'streams'],
  worker: ['runs'],
  scheduler: ['schedules'],
  all: ['commands', 'streams', 'runs', 'schedules', 'simulations'],
};

export interface Role {
  /** As it is told: the names in their own order, joined with a comma. */
  readonly text: string;
  readonly duties: ReadonlySet<Duty>;
}

export const ROLE_ALL: Role = roleOf(['all']);

/** The environment variable that sets the role; the flag `--role` wins. */
export const ROLE_VARIABLE = 'SERVICE_ROLE';

/** @returns undefined where the text names none, or one that does not exist */
export function parseRole(text: string): Role | undefined {
  const names = text.split(',').map((name) => name.trim());
  const known = ROLE_NAMES.filter((name) => names.includes(name));
  return names.every((name) => known.some((one) => one === name)) ? roleOf(known) : undefined;
}

/**
 * The role that the flag names, else that of the environment, else `all`.
 * @throws InterlockError `bad_usage` for one that does not exist
 */
export function chooseRole(
  flag: string | undefined,
  env: Record<string, string | undefined>,
): Role {
  const fromEnv = env[ROLE_VARIABLE];
  const [from, text] = flag === undefined ? [ROLE_VARIABLE, fromEnv] : ['--role', flag];
  if (text === undefined || (flag === undefined && text.trim() === '')) return ROLE_ALL;
  const role = parseRole(text);
  if (role !== undefined) return role;
  throw new InterlockError({
    code: 'bad_usage',
    message: `${from} is "${text}", which is no role.`,
    remedy: `Use one of ${ROLE_NAMES.join(', ')}, or several joined with a comma: calls,worker.`,
    details: { role: text, known: ROLE_NAMES },
  });
}

/** Names of the roles that have one of these duties. */
export function rolesWith(duties: readonly Duty[]): RoleName[] {
  return ROLE_NAMES.filter((name) => DUTIES[name].some((duty) => duties.includes(duty)));
}

/** All that exist, without "all": to name them one by one is to mean that. */
function roleOf(names: readonly RoleName[]): Role {
  const single = ROLE_NAMES.filter((name) => name !== 'all');
  const isAll = names.includes('all') || single.every((name) => names.includes(name));
  const meant: readonly RoleName[] = isAll ? ['all'] : names;
  return { text: meant.join(','), duties: new Set(meant.flatMap((name) => DUTIES[name])) };
}
