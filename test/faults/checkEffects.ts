import type { Effect, FaultRecord, Violation } from './faultRecord.ts';

const EXCERPT_LINES = 14;

/** What the resource accepted: one run after the other, each with a higher token. */
export function checkEffects({ effects }: Pick<FaultRecord, 'effects'>): Violation[] {
  return [...byKey(effects)].flatMap(([key, own]) => [
    ...checkTokensGrow(key, own),
    ...checkOwners(key, own),
    ...checkOverlap(key, own),
  ]);
}

function checkTokensGrow(key: string, effects: Effect[]): Violation[] {
  let highest: Effect | undefined;
  for (const [i, effect] of effects.entries()) {
    if (!effect.accepted) continue;
    if (highest !== undefined && effect.fence < highest.fence) {
      const what = `accepted token ${effect.fence} of run ${effect.run} after ${highest.fence} of run ${highest.run}`;
      return [violation('tokens_grow', key, what, effects, i)];
    }
    highest = effect;
  }
  return [];
}

/** A token that two runs have tells the resource nothing. Those that were refused count as well. */
function checkOwners(key: string, effects: Effect[]): Violation[] {
  const owners = new Map<number, string>();
  for (const [i, { fence, run }] of effects.entries()) {
    const owner = owners.get(fence);
    if (owner !== undefined && owner !== run) {
      const what = `runs ${owner} and ${run} have the same token ${fence}`;
      return [violation('one_token_one_run', key, what, effects, i)];
    }
    owners.set(fence, run);
  }
  return [];
}

/** Nothing of a run is accepted once something of another run was. */
function checkOverlap(key: string, effects: Effect[]): Violation[] {
  const over = new Set<string>();
  let current: string | undefined;
  for (const [i, effect] of effects.entries()) {
    if (!effect.accepted || effect.run === current) continue;
    if (over.has(effect.run)) {
      const what = `run ${effect.run} went on after run ${current ?? '?'} had begun`;
      return [violation('overlap', key, what, effects, i)];
    }
    if (current !== undefined) over.add(current);
    current = effect.run;
  }
  return [];
}

function violation(
  rule: Violation['rule'],
  subject: string,
  what: string,
  effects: Effect[],
  at: number,
): Violation {
  const excerpt = effects.slice(Math.max(0, at - EXCERPT_LINES + 3), at + 3).map(effectLine);
  return { rule, subject, what, excerpt };
}

export function effectLine(effect: Effect): string {
  const { atMs, kind, run, jobId, attempt, fence, accepted } = effect;
  const answer = accepted ? 'accepted' : 'REFUSED';
  return `${atMs.toFixed(0)} ms  ${answer}  ${kind} of run ${run}, job ${jobId}, attempt ${attempt}, token ${fence}`;
}

function byKey(effects: Effect[]): Map<string, Effect[]> {
  const keys = new Map<string, Effect[]>();
  for (const effect of effects) {
    const own = keys.get(effect.key);
    if (own === undefined) keys.set(effect.key, [effect]);
    else own.push(effect);
  }
  return keys;
}
