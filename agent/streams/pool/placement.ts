/** A shard that should run somewhere. */
export interface PlacedShard {
  stream: string;
  shard: number;
  /** Id of the agent that holds it; null: nobody does. */
  holder: string | null;
}

export interface PlacementAgent {
  id: string;
  /** Streams that it can run. */
  streams: ReadonlySet<string>;
}

export interface Placement {
  /** Free, and within this agent's share: to be taken at once. */
  take: PlacedShard[];
  /** Free beyond its share: to be taken if nobody else does it. */
  spare: PlacedShard[];
  /** Beyond its share: to be handed over. */
  offers: { shard: PlacedShard; to: string }[];
}

/** Handovers that one agent begins at one time: each is a second connection for a moment. */
const MAX_OFFERS = 8;

/**
 * What one agent should do so that the shards of all streams are spread evenly. Every agent works
 * it out for itself; that no shard runs twice is the leases' care, not this one's.
 */
export function placeShards(
  me: string,
  agents: readonly PlacementAgent[],
  shards: readonly PlacedShard[],
): Placement {
  const ids = agents.map(({ id }) => id).sort();
  const self = agents.find(({ id }) => id === me);
  if (self === undefined) return { take: [], spare: [], offers: [] };
  const counts = new Map(ids.map((id) => [id, 0]));
  for (const { holder } of shards) {
    if (holder !== null && counts.has(holder)) counts.set(holder, (counts.get(holder) ?? 0) + 1);
  }
  const free = shards.filter(({ holder, stream }) => holder === null && self.streams.has(stream));
  const share = Math.ceil(shards.length / Math.max(1, ids.length));
  const room = Math.max(0, share - (counts.get(me) ?? 0));
  // Agents that start together begin at different ends, so that they seldom want the same shard.
  const from = free.length === 0 ? 0 : (ids.indexOf(me) * share) % free.length;
  const inTurn = [...free.slice(from), ...free.slice(0, from)];
  return {
    take: inTurn.slice(0, room),
    spare: inTurn.slice(room),
    offers: free.length > 0 ? [] : offersOf(me, agents, shards, counts),
  };
}

/**
 * One shard after the other goes from whoever has the most to whoever has the fewest, until no two
 * differ by more than one. Each agent works out the moves of all, and makes its own: two that both
 * saw an empty one would else give it twice what it lacks, and get it back.
 */
function offersOf(
  me: string,
  agents: readonly PlacementAgent[],
  shards: readonly PlacedShard[],
  counts: Map<string, number>,
): Placement['offers'] {
  const offers: Placement['offers'] = [];
  const countOf = (id: string) => counts.get(id) ?? 0;
  const left = new Map(
    agents.map(({ id }) => [id, shards.filter(({ holder }) => holder === id)] as const),
  );
  while (left.size > 0 && offers.length < MAX_OFFERS) {
    const [donor = me] = [...left.keys()].sort((one, other) =>
      byCount(countOf(other), countOf(one), one, other),
    );
    if (countOf(donor) < Math.min(...counts.values()) + 2) break;
    const shard = left.get(donor)?.pop();
    if (shard === undefined) {
      left.delete(donor);
      continue;
    }
    const heir = heirOf(shard, donor, agents, counts);
    if (heir === undefined || countOf(heir) > countOf(donor) - 2) continue;
    counts.set(heir, countOf(heir) + 1);
    counts.set(donor, countOf(donor) - 1);
    if (donor === me) offers.push({ shard, to: heir });
  }
  return offers;
}

/** The agent with the fewest shards that can run it; undefined when there is no other. */
export function heirOf(
  shard: Pick<PlacedShard, 'stream'>,
  me: string,
  agents: readonly PlacementAgent[],
  counts: ReadonlyMap<string, number>,
): string | undefined {
  const others = agents.filter(({ id, streams }) => id !== me && streams.has(shard.stream));
  const countOf = (id: string) => counts.get(id) ?? 0;
  return others
    .map(({ id }) => id)
    .sort((one, other) => byCount(countOf(one), countOf(other), one, other))[0];
}

/** The smaller first; of equals by their ids, which all agents sort in one way. */
function byCount(count: number, otherCount: number, id: string, otherId: string): number {
  return count - otherCount || (id < otherId ? -1 : 1);
}
