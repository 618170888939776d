import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JsonValue } from '../../../agent/common/json.ts';
import type { HandlerRunner, RunHooks } from '../../../agent/handlers/runner.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';

/** What the hooks of one run were told. */
export interface Heard {
  lines: string[];
  progress: JsonValue[];
  enqueued: { type: string; data: JsonValue }[];
}

let lastJob = 0;

/** Runs the handler once with these data. */
export function runOnce(
  runner: HandlerRunner,
  data: JsonValue,
  hooks: RunHooks = listen().hooks,
): Promise<JsonValue> {
  lastJob += 1;
  const request = { jobId: `job-${lastJob}`, queue: 'default', type: 'demo', data };
  return runner.run(
    { ...request, attempt: 1, fence: lastJob, isReplay: false, enqueuedAtMs: 0, asks: 'run' },
    hooks,
  );
}

/** Hooks that remember what they were told. */
export function listen(overrides: Partial<RunHooks> = {}): {
  heard: Heard;
  hooks: RunHooks;
  abort: AbortController;
} {
  const heard: Heard = { lines: [], progress: [], enqueued: [] };
  const abort = new AbortController();
  const hooks: RunHooks = {
    // Slow, as Redis is: the outcome of a run has to wait for it.
    log: async (line) => {
      await nextTurn();
      heard.lines.push(line);
    },
    progress: (value) => Promise.resolve(void heard.progress.push(value)),
    enqueue: (type, data) => {
      heard.enqueued.push({ type, data });
      return Promise.resolve(acceptedDecision(type));
    },
    signal: abort.signal,
    ...overrides,
  };
  return { heard, hooks, abort };
}

function acceptedDecision(subject: string): Decision {
  return {
    ...{ id: 'd1', at: '2026-01-31T09:15:00.123Z', action: 'enqueue', subject, key: null },
    ...{ outcome: 'accepted', reason: 'within_limits', jobId: 'new-1', survivor: null },
    ...{ holder: null, until: null, remedy: null, counts: null },
  };
}
