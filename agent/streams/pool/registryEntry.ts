import * as z from 'zod';
import { holder } from '../../protocol/decision.ts';
import { connectionRow, connectionState } from '../../protocol/model.ts';

const wholeNumber = z.number().int().nonnegative();

/** Who runs a shard, and how it does, as the other agents know it. Times are epoch ms. */
export const registryEntry = z.object({
  shard: wholeNumber,
  holder,
  fence: wholeNumber,
  startedAtMs: wholeNumber,
  /** Redis' time of the last write. */
  heartbeatMs: wholeNumber.max(8.64e15),
  status: connectionState,
  row: connectionRow,
});

export type RegistryEntry = z.infer<typeof registryEntry>;

/** An entry as its holder writes it: the time of the heartbeat is Redis'. */
export type OwnEntry = Omit<RegistryEntry, 'heartbeatMs'>;

/** For `writeStreamEntries.lua`: the fence comes first, where the scripts look for it. */
export function entryText({ fence, ...rest }: OwnEntry): string {
  return JSON.stringify({ fence, ...rest });
}

/** @returns undefined when the text is no entry of that shard: what another version wrote may be anything */
export function readEntry(shard: string, text: string): RegistryEntry | undefined {
  try {
    const { data } = registryEntry.safeParse(JSON.parse(text));
    return data !== undefined && String(data.shard) === shard ? data : undefined;
  } catch {
    return undefined;
  }
}

/** A shard counts as running only while its heartbeat is young. @param nowMs Redis' time */
export function isRunning(entry: RegistryEntry, nowMs: number, staleAfterMs: number): boolean {
  return nowMs - entry.heartbeatMs < staleAfterMs;
}
