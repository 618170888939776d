import type { Decision } from './decision.ts';
import type { StreamRow } from './model.ts';

/** It runs, here or elsewhere: to start it would change nothing. */
export function runsAlready({ wanted, state }: StreamRow): boolean {
  return wanted === 'running' && (state === 'running' || state === 'elsewhere');
}

/**
 * What a client answers that looked first and does not even call: what the agent would have said,
 * from the row that the client has. The agent is not asked, so it has no record of it.
 * @param at ISO text of now
 */
export function alreadyRunningDecision(stream: StreamRow, at: string): Decision {
  const key = `stream:${stream.name}`;
  return {
    ...{ id: 'not-recorded', at, action: 'start_stream', subject: stream.name, key },
    ...{ outcome: 'already_running', reason: 'lease_held', jobId: null },
    survivor: { jobId: key, state: 'running', since: stream.startedAt },
    ...{ holder: stream.holder, until: null, counts: null },
    remedy: 'Nothing is to be done: it runs. To begin anew, restart it.',
  };
}
