import type { Clock } from '../common/clock.ts';
import type { JobTypeConfig } from '../config/schema.ts';
import type { DebugRow } from '../protocol/debug.ts';
import { ARMED, STARTING, type DebugProgress } from './debugSession.ts';

export interface DebugFacts {
  id: string;
  /** Of the job type. */
  name: string;
  type: JobTypeConfig;
  /** null while it waits for one. */
  job: { queue: string; id: string } | null;
  replayOf: string | null;
}

/** A debugged run as clients see it. @param file absolute path of the handler */
export function debugRowOf(
  { id, name, type, job, replayOf }: DebugFacts,
  progress: DebugProgress | undefined,
  file: string,
  clock: Clock,
): DebugRow {
  const { phase, pausedMs } = progress ?? (job === null ? ARMED : STARTING);
  const pause = phase.kind === 'paused' || phase.kind === 'left' ? phase : undefined;
  const sinceMs = pause === undefined ? 0 : clock.now() - (clock.monotonic() - pause.sinceMs);
  return {
    ...{ id, type: name, file, job, replayOf, state: phase.kind, pausedMs },
    pausedAt: pause?.at ?? null,
    pausedSince: pause === undefined ? null : new Date(sinceMs).toISOString(),
    movedOut: type.isolation === 'inline',
  };
}
