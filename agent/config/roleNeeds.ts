import { InterlockError } from '../common/errors.ts';
import type { Role } from '../protocol/role.ts';
import type { Config } from './schema.ts';

/**
 * What an agent of a role could never do: to enqueue, on its own, jobs whose uniqueness only a
 * handler can tell, while it runs no handlers.
 * @throws InterlockError `bad_config` that names each such entry
 */
export function checkRoleNeeds(config: Config, role: Role): void {
  if (role.duties.has('runs')) return;
  const asksHandler = (type: string) => config.jobs[type]?.unique?.by === 'function';
  const found = [
    ...(role.duties.has('schedules') ? entriesOf('schedules', config.schedules) : []),
    ...(role.duties.has('streams') ? entriesOf('streams', config.streams) : []),
  ].filter(({ job }) => asksHandler(job));
  if (found.length === 0) return;
  const named = found.map(({ at, job }) => `${at} (job type ${job})`).join(', ');
  throw new InterlockError({
    code: 'bad_config',
    message: `An agent of role ${role.text} runs no handlers, and can not enqueue ${named}: "unique" of the type says "by": "function", which its handler answers.`,
    remedy: `Name payload paths in "by", or run this agent with the role worker as well: --role worker,${role.text}.`,
    details: { role: role.text, entries: found.map(({ at }) => at) },
  });
}

/**
 * Whether an agent can run the jobs of the queues that it is told to.
 * @throws InterlockError `bad_usage`
 */
export function checkQueues(config: Config, role: Role, queues: readonly string[] = []): void {
  if (queues.length === 0) return;
  const declared = [...new Set(Object.values(config.jobs).map(({ queue }) => queue))];
  const unknown = queues.filter((name) => !declared.includes(name));
  const runs = role.duties.has('runs');
  if (runs && unknown.length === 0) return;
  throw new InterlockError({
    code: 'bad_usage',
    message: runs
      ? `No job type has the queue ${unknown.join(', ')} of --queues (or SERVICE_QUEUES).`
      : `An agent of role ${role.text} runs no jobs: --queues (or SERVICE_QUEUES) is for a worker.`,
    remedy: runs
      ? `Use one of ${declared.join(', ') || 'those of "jobs" in the config'}.`
      : 'Leave it out, or use --role worker.',
    details: { queues, unknown },
  });
}

/** The private server belongs to one state folder: agents of several roles could not meet there. */
export function needsSharedRedis(role: Role): InterlockError {
  return new InterlockError({
    code: 'bad_config',
    message: `An agent of role ${role.text} needs a Redis that it shares with the agents of the other roles, and none is named.`,
    remedy: 'Set "redis": { "url" } in interlock.config.json, REDIS_URL, or --redis.',
    details: { role: role.text },
  });
}

function entriesOf(section: string, entries: Record<string, { job: string }>) {
  return Object.entries(entries).map(([name, { job }]) => ({ at: `${section}.${name}`, job }));
}
