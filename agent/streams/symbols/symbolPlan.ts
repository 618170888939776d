/** Which symbol of a stream is in which shard. The same for every agent: it is kept in Redis. */
export interface SymbolPlan {
  /** What the config said when it was last applied: later changes of the config are told from it. */
  configured: readonly string[];
  perConnection: number;
  /** By shard number, as they are asked for. An empty one has no connection. */
  shards: readonly (readonly string[])[];
  /** What is wanted and not subscribed, because there are more than `maxSymbols`. */
  cut: readonly string[];
  /** What was left out, because another symbol means the same. */
  aliases: readonly SymbolAlias[];
}

export interface SymbolAlias {
  symbol: string;
  of: string;
}

export interface PlanRules {
  perConnection: number;
  maxSymbols: number;
  /** What two names of one symbol have in common. */
  normalise: (symbol: string) => string;
}

export interface PlanChange {
  plan: SymbolPlan;
  /** Subscribed or unsubscribed by this. */
  changed: string[];
  unchanged: { symbol: string; why: string }[];
  /** Wanted by this, and cut off. */
  cut: string[];
}

const EMPTY: Omit<SymbolPlan, 'perConnection'> = {
  configured: [],
  shards: [],
  cut: [],
  aliases: [],
};

/**
 * Brings a plan to what the config says now. What a person added or removed since the config was
 * last applied stays so: only the differences between the two configs count.
 */
export function applyConfigured(
  before: SymbolPlan | undefined,
  configured: readonly string[],
  rules: PlanRules,
): SymbolPlan {
  const old = before ?? { ...EMPTY, perConnection: rules.perConnection };
  const gone = missingFrom(configured, old.configured);
  const come = missingFrom(old.configured, configured);
  const without = removeSymbols(old, gone, rules).plan;
  const aliases = without.aliases.filter(({ symbol }) => !gone.includes(symbol));
  const merged = addSymbols({ ...without, aliases }, come, rules).plan;
  return layOut({ ...merged, configured: [...configured] }, rules);
}

/** Adds symbols where there is room, so that those that are there stay where they are. */
export function addSymbols(
  plan: SymbolPlan,
  symbols: readonly string[],
  rules: PlanRules,
): PlanChange {
  const known = new Map(wantedOf(plan).map((symbol) => [rules.normalise(symbol), symbol]));
  const aliases = [...plan.aliases];
  const come: string[] = [];
  const unchanged: PlanChange['unchanged'] = [];
  for (const symbol of symbols) {
    const name = rules.normalise(symbol);
    const there = known.get(name);
    if (there === undefined) {
      known.set(name, symbol);
      come.push(symbol);
    } else if (there === symbol) {
      unchanged.push({ symbol, why: 'it is there already' });
    } else {
      unchanged.push({ symbol, why: `${there} is there already, which means the same (${name})` });
      if (!aliases.some((alias) => alias.symbol === symbol)) aliases.push({ symbol, of: there });
    }
  }
  const next = layOut({ ...plan, cut: [...plan.cut, ...come], aliases }, rules);
  const cutNow = new Set(next.cut);
  return {
    plan: next,
    changed: come.filter((symbol) => !cutNow.has(symbol)),
    unchanged,
    cut: come.filter((symbol) => cutNow.has(symbol)),
  };
}

/** Removes symbols, by any of their names. What was cut off takes the places that come free. */
export function removeSymbols(
  plan: SymbolPlan,
  symbols: readonly string[],
  rules: PlanRules,
): PlanChange {
  const known = new Map(wantedOf(plan).map((symbol) => [rules.normalise(symbol), symbol]));
  const gone = new Set<string>();
  const unchanged: PlanChange['unchanged'] = [];
  for (const symbol of symbols) {
    const there = known.get(rules.normalise(symbol));
    if (there === undefined) unchanged.push({ symbol, why: 'it is not there' });
    else gone.add(there);
  }
  const stays = (symbol: string) => !gone.has(symbol);
  const shards = plan.shards.map((shard) => shard.filter(stays));
  const aliases = plan.aliases.filter(({ of }) => stays(of));
  const next = layOut({ ...plan, shards, cut: plan.cut.filter(stays), aliases }, rules);
  return { plan: next, changed: [...gone], unchanged, cut: [] };
}

/** Every symbol that is wanted, subscribed or cut off. */
export function wantedOf(plan: SymbolPlan): string[] {
  return [...plan.shards.flat(), ...plan.cut];
}

/** Keeps what fits where it is, fills what is free from what was cut off, and cuts off the rest. */
function layOut(plan: SymbolPlan, rules: PlanRules): SymbolPlan {
  const { perConnection, maxSymbols } = rules;
  const regroup = plan.perConnection !== perConnection;
  const shards: string[][] = regroup ? [] : plan.shards.map((shard) => [...shard]);
  const waiting = regroup ? wantedOf(plan) : [...plan.cut];
  let count = shards.reduce((sum, shard) => sum + shard.length, 0);
  for (let last = shards.length - 1; count > maxSymbols && last >= 0; last -= 1) {
    const excess = shards[last]?.splice(-(count - maxSymbols)) ?? [];
    waiting.unshift(...excess);
    count -= excess.length;
  }
  const taken = waiting.splice(0, Math.max(0, maxSymbols - count));
  place(shards, taken, perConnection);
  while (shards.at(-1)?.length === 0) shards.pop();
  return { ...plan, perConnection, shards, cut: waiting };
}

function place(shards: string[][], symbols: readonly string[], perConnection: number): void {
  let at = 0;
  for (const symbol of symbols) {
    while ((shards[at]?.length ?? 0) >= perConnection) at += 1;
    const shard = shards[at];
    if (shard === undefined) shards.push([symbol]);
    else shard.push(symbol);
  }
}

function missingFrom(these: readonly string[], those: readonly string[]): string[] {
  const known = new Set(these);
  return those.filter((symbol) => !known.has(symbol));
}
