/** What counts when a run looks for a host. */
export interface HostLoad {
  /** Runs in flight. */
  runs: number;
}

/**
 * Where the next run goes: to the process or thread with the fewest runs, or to a new one as long as there
 * may be more and none is idle.
 * @param hosts those that take runs
 */
export function placeRun<Host extends HostLoad>(
  hosts: readonly Host[],
  maxHosts: number,
): Host | 'new host' {
  let best: Host | undefined;
  for (const host of hosts) if (best === undefined || host.runs < best.runs) best = host;
  if (best === undefined) return 'new host';
  return best.runs > 0 && hosts.length < maxHosts ? 'new host' : best;
}

/**
 * A start costs some hundred milliseconds of CPU: with short runs and an exact `maxRuns`, starting
 * processes would be all that the machine does. So a run counts for at least this long, beyond the
 * first half second.
 */
const MIN_MS_PER_RUN = 10;
const FREE_MS = 500;

/** From here on a successor is started, so that it is loaded when it is needed. */
const PREPARE_SHARE = 0.9;

/**
 * Whether a process has done its share of runs. Up to 50 runs `maxRuns` is exact; above, a process
 * with short runs does more of them, until it is `maxRuns` times 10 ms old.
 * @param ageMs since the process was started
 */
export function recyclePhase(
  startedRuns: number,
  ageMs: number,
  maxRuns: number,
): 'keep' | 'prepare' | 'replace' {
  const minAgeMs = Math.max(0, maxRuns * MIN_MS_PER_RUN - FREE_MS);
  if (startedRuns >= maxRuns && ageMs >= minAgeMs) return 'replace';
  const isNear = startedRuns >= maxRuns * PREPARE_SHARE && ageMs >= minAgeMs * PREPARE_SHARE;
  return isNear ? 'prepare' : 'keep';
}
