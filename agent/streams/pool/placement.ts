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

/** Gives to whoever has at least two less, until nobody has: then no shard needs to move. */
function offersOf(
  me: string,
  agents: readonly PlacementAgent[],
  shards: readonly PlacedShard[],
  counts: Map<string, number>,
): Placement['offers'] {
  const offers: Placement['offers'] = [];
  const mine = shards.filter(({ holder }) => holder === me);
  for (const shard of mine.reverse()) {
    if (offers.length >= MAX_OFFERS) break;
    const heir = heirOf(shard, me, agents, counts);
    const count = counts.get(me) ?? 0;
    if (heir === undefined || (counts.get(heir) ?? 0) > count - 2) continue;
    offers.push({ shard, to: heir });
    counts.set(heir, (counts.get(heir) ?? 0) + 1);
    counts.set(me, count - 1);
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
    .sort((one, other) => countOf(one) - countOf(other) || (one < other ? -1 : 1))[0];
}
