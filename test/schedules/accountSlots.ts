/** Slots of a schedule that were not enqueued, as a decision tells. Both ends belong to it. */
export interface PassedRange {
  fromMs: number;
  toMs: number;
  count: number;
}

/** What became of one schedule's slots. */
export interface SlotRecord {
  everyMs: number;
  /** The slot of each job that is there, one entry per job. */
  jobs: readonly number[];
  passed: readonly PassedRange[];
}

export interface SlotAccount {
  enqueued: number;
  passed: number;
  /** What must not be: a slot that is nowhere, or in two places. */
  faults: string[];
}

/**
 * Looks at each slot from the first one that is enqueued or passed to `untilMs`: it is one job, or it is
 * accounted for, and never both. Pure.
 */
export function accountSlots({ everyMs, jobs, passed }: SlotRecord, untilMs: number): SlotAccount {
  const places = new Map<number, string[]>();
  const note = (slotMs: number, place: string) => {
    const known = places.get(slotMs) ?? [];
    places.set(slotMs, [...known, place]);
  };
  const faults: string[] = [];
  for (const slotMs of jobs) note(slotMs, 'a job');
  for (const { fromMs, toMs, count } of passed) {
    const slots = (toMs - fromMs) / everyMs + 1;
    if (slots !== count) faults.push(`${fromMs}-${toMs} is told as ${count} slots`);
    for (let slotMs = fromMs; slotMs <= toMs; slotMs += everyMs) note(slotMs, 'a decision');
  }
  const account = { enqueued: 0, passed: 0, faults };
  const known = [...places.keys()].sort((a, b) => a - b);
  const first = known[0];
  if (first === undefined) return { ...account, faults: ['no slot at all'] };
  for (let slotMs = first; slotMs <= untilMs; slotMs += everyMs) {
    const found = places.get(slotMs) ?? [];
    places.delete(slotMs);
    if (found.length === 0) faults.push(`${slotMs} is nowhere`);
    else if (found.length > 1) faults.push(`${slotMs} is in ${found.join(' and ')}`);
    else if (found[0] === 'a job') account.enqueued += 1;
    else account.passed += 1;
  }
  for (const slotMs of places.keys()) {
    if (slotMs < untilMs) faults.push(`${slotMs} is no slot of it`);
  }
  return account;
}
