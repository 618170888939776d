import { parseRole, type Duty } from '../protocol/role.ts';
import { failure, ok, warning, type Check } from './check.ts';
import type { DoctorFacts, PeerFacts } from './facts.ts';

/** What must be done by somebody, and a role that does it. */
const DUTIES = [
  { what: 'jobs', duty: 'runs', role: 'worker', failing: 'no job is run' },
  { what: 'schedules', duty: 'schedules', role: 'scheduler', failing: 'no schedule is looked at' },
  { what: 'streams', duty: 'streams', role: 'calls', failing: 'no stream is read' },
] as const;

/** The agents of this Redis: who is gone, and which role nobody has. */
export function assessAgents({ peers, declared }: DoctorFacts): Check[] {
  if (peers === null) return [];
  const living = peers.filter(({ state }) => state !== 'dead');
  // That no agent runs at all is told by the check of the agent.
  return [...assessGone(peers), ...(living.length === 0 ? [] : assessRoles(living, declared))];
}

function assessGone(peers: readonly PeerFacts[]): Check[] {
  const name = 'agents';
  const gone = peers.filter(({ state }) => state !== 'alive');
  if (gone.length === 0) {
    const list = peers.map(textOf).join(', ');
    return peers.length === 0 ? [] : [ok(name, `On this Redis: ${list}.`)];
  }
  const list = gone.map((peer) => `${textOf(peer)} is ${peer.state}`).join(', ');
  return [
    warning(
      name,
      `${list}.`,
      'What a dead one held is taken over. Look at its log, and whether its service starts it again.',
    ),
  ];
}

function assessRoles(living: readonly PeerFacts[], declared: DoctorFacts['declared']): Check[] {
  const missing = DUTIES.filter(
    ({ what, duty }) => declared[what] > 0 && !living.some((peer) => hasDuty(peer, duty)),
  );
  if (missing.length === 0) return [ok('roles', 'Somebody does everything that is declared.')];
  const lines = missing.map(({ role, failing }) => `No agent has the role ${role}: ${failing}.`);
  const wanted = missing.map(({ role }) => role).join(',');
  return [failure('roles', lines.join('\n'), `Start one: interlock agent --role ${wanted}`)];
}

function hasDuty({ role }: PeerFacts, duty: Duty): boolean {
  return parseRole(role)?.duties.has(duty) === true;
}

function textOf({ role, host, pid }: PeerFacts): string {
  return `${role} ${host}:${pid}`;
}
