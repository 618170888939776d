import { InterlockError } from '../common/errors.ts';
import type { Holder } from '../protocol/decision.ts';
import { parseRole, rolesWith, type Duty, type Role } from '../protocol/role.ts';
import type { AgentEntry } from './agentRegistry.ts';

export interface Forbidden {
  /** Completes "does not allow". */
  asked: string;
  /** Of the agent that was asked. */
  role: Role;
  /** One of them would do. */
  duties: readonly Duty[];
  /** The agents of this Redis, as far as they are known. */
  agents: readonly AgentEntry[];
}

/** An agent was asked for what its role does not do: says which role does, and which agent has it. */
export function roleForbids({ asked, role, duties, agents }: Forbidden): InterlockError {
  const may = rolesWith(duties);
  const roles = may.length === 1 ? `role ${may.join()}` : `one of the roles ${may.join(', ')}`;
  const able = agents.flatMap(({ holder }) => (holder === null ? [] : [holder]));
  const other = able.find((holder) => isAble(holder, duties));
  return new InterlockError({
    code: 'role_forbids',
    message: `The role of this agent, ${role.text}, does not allow ${asked}. It needs ${roles}.`,
    remedy:
      other === undefined
        ? `Start an agent that may: interlock agent --role ${may[0] ?? 'all'}.`
        : `Ask the agent of role ${other.role}: process ${other.pid} on ${other.host}.`,
    details: { asked, role: role.text, may, agentId: other?.agentId ?? null },
  });
}

function isAble({ alive, role }: Holder, duties: readonly Duty[]): boolean {
  const has = parseRole(role)?.duties;
  return alive !== false && duties.some((duty) => has?.has(duty) === true);
}
