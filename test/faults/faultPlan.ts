import { SeededRandom } from './seededRandom.ts';

/** How often each fault is chosen, against the others. */
const WEIGHTS = {
  /** kill -9 of an agent, and a new one. */
  kill: 4,
  /** SIGTERM: it gives its runs back. */
  stop: 1,
  /** SIGSTOP of an agent, then SIGCONT. */
  freeze: 3,
  /** The same of an agent and all its handler processes, which wake up one after the other. */
  freezeAll: 3,
  /** SIGSTOP of the handler processes only: the agent renews for them. */
  freezeHandlers: 2,
  /** kill -9 of the handler processes. */
  killHandlers: 1,
  /** kill -9 of an agent whose handler processes are frozen: they wake up as orphans. */
  orphan: 2,
  /** Connections of an agent to Redis are cut, and none can be made. */
  cut: 3,
  /** They are there and nothing comes through. */
  stall: 3,
  /** Requests come through, answers do not; then they are cut. */
  mute: 2,
  /** kill -9 of Redis, and a new one on its append-only file. */
  redis: 1.5,
  /** The clock of an agent jumps by minutes. */
  clock: 2,
} as const;

export type FaultKind = keyof typeof WEIGHTS;

export const FAULT_KINDS = Object.keys(WEIGHTS) as FaultKind[];

export interface Fault {
  kind: FaultKind;
  /** Which agent; of no meaning for `redis`. */
  agent: number;
  /** After the start of the round. */
  atMs: number;
  forMs: number;
  /** Also when the agent is only starting: most wait, or on a slow machine none would ever run a job. */
  whileStarting: boolean;
  /** Of `freezeAll`: who wakes up first, and how long before the other. */
  handlersFirst: boolean;
  gapMs: number;
  /** Of `clock`: how far it is from the true time from now on. */
  clockOffsetMs: number;
}

export interface PlannedEnqueue {
  atMs: number;
  /** Whom to ask; another one when that one is not there. */
  agent: number;
  type: LoadType;
  key: string;
  workMs: number;
  steps: number;
  /** Goes on when its signal fires, as code does that never looks at it. */
  stubborn: boolean;
  /** So many attempts fail. */
  fails: number;
}

export const LOAD_TYPES = { keyed: 5, limited: 2, free: 3 } as const;
export type LoadType = keyof typeof LOAD_TYPES;

export interface RoundPlan {
  faults: Fault[];
  enqueues: PlannedEnqueue[];
}

export interface PlanOptions {
  agents: number;
  /** The agent with the clock that can be moved. */
  clockAgent: number;
  keys: number;
  roundMs: number;
  leaseTtlMs: number;
}

const MINUTE_MS = 60_000;

/** What happens in one round: the same for the same seed and round, whatever happened before. */
export function planRound(seed: number, round: number, options: PlanOptions): RoundPlan {
  const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b));
  // The first numbers of near seeds are alike.
  for (let i = 0; i < 4; i++) random.next();
  const count = random.chance(0.5) ? 1 : random.between(2, 3);
  const faults = Array.from({ length: count }, () => planFault(random, options));
  const enqueues = Array.from({ length: random.between(5, 10) }, () =>
    planEnqueue(random, options),
  );
  return { faults, enqueues: enqueues.sort((a, b) => a.atMs - b.atMs) };
}

function planFault(random: SeededRandom, options: PlanOptions): Fault {
  const kind = random.weighted(WEIGHTS);
  return {
    kind,
    agent: kind === 'clock' ? options.clockAgent : random.between(0, options.agents - 1),
    atMs: random.between(0, Math.floor(options.roundMs * 0.7)),
    forMs: durationOf(kind, random, options.leaseTtlMs),
    whileStarting: random.chance(0.2),
    handlersFirst: random.chance(0.6),
    gapMs: random.between(0, 300),
    clockOffsetMs: random.chance(0.2) ? 0 : random.between(-10 * MINUTE_MS, 10 * MINUTE_MS),
  };
}

/** How long it lasts; for what is killed, until there is a new one. */
function durationOf(kind: FaultKind, random: SeededRandom, ttlMs: number): number {
  const isLong = random.chance(0.65);
  switch (kind) {
    case 'kill':
    case 'stop':
    case 'killHandlers':
    case 'clock':
      return random.between(0, 800);
    case 'redis':
      return random.between(0, 500);
    case 'orphan':
      return random.between(Math.floor(ttlMs * 0.5), ttlMs * 2);
    case 'freeze':
    case 'freezeAll':
    case 'freezeHandlers':
    case 'cut':
    case 'stall':
    case 'mute':
      return isLong
        ? random.between(Math.floor(ttlMs * 1.2), ttlMs * 2)
        : random.between(20, Math.floor(ttlMs * 0.6));
  }
}

function planEnqueue(random: SeededRandom, options: PlanOptions): PlannedEnqueue {
  const ttlMs = options.leaseTtlMs;
  const isLong = random.chance(0.5);
  const workMs = isLong
    ? random.between(Math.floor(ttlMs * 0.2), Math.floor(ttlMs * 1.3))
    : random.between(5, 200);
  return {
    atMs: random.between(0, options.roundMs),
    agent: random.between(0, options.agents - 1),
    type: random.weighted(LOAD_TYPES),
    key: `k${random.between(1, options.keys)}`,
    workMs,
    steps: Math.max(1, Math.round(workMs / 60)),
    stubborn: random.chance(0.5),
    fails: random.chance(0.15) ? random.between(1, 3) : 0,
  };
}
