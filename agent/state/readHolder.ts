import { holder as holderSchema, type Holder } from '../protocol/decision.ts';
import { currentHostId, isHolderAlive } from './processIdentity.ts';

/**
 * A holder as a process wrote it into Redis, with what can be told of its life from here.
 * @returns null when the text is none: what another process wrote may be anything
 */
export function readHolder(text: string, hostId: string = currentHostId()): Holder | null {
  try {
    const parsed = holderSchema.safeParse(JSON.parse(text));
    return parsed.success ? { ...parsed.data, alive: isHolderAlive(parsed.data, hostId) } : null;
  } catch {
    return null;
  }
}
