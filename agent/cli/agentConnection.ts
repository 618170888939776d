import { sleep, type Clock } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import { AgentClient } from '../protocol/agentClient.ts';
import { readAgentRecord, type AgentRecord } from '../protocol/agentRecord.ts';
import { stateFoldersOf } from '../protocol/stateFolder.ts';
import { isSameProcessAlive } from '../state/processIdentity.ts';
import { VERSION } from '../version.ts';
import type { CliSession } from './session.ts';

/** What listens there may be no agent at all, and say nothing. */
const HELLO_DEADLINE_MS = 5_000;

/**
 * A connection to the agent of the session's state folder, after hello.
 * @throws InterlockError `no_agent`, `unauthorized`, `version_mismatch`, `timeout`
 */
export async function connectAgent(session: CliSession): Promise<AgentClient> {
  const record = readAgentRecord(session.stateFolder);
  if (record === undefined) {
    const others = otherAgents(session);
    throw new InterlockError({
      code: 'no_agent',
      message: `No agent runs for ${session.workspace} (state folder ${session.stateFolder}).`,
      remedy:
        others.length === 0
          ? 'Start one with "interlock start", or "interlock up" to watch it.'
          : `Agents of this workspace run elsewhere: add ${others.join(', or ')}.`,
    });
  }
  return connectRecord(record, session.io.clock);
}

/** Agents of other roles have folders of their own. */
function otherAgents({ workspace, stateFolder }: CliSession): string[] {
  return stateFoldersOf(workspace)
    .filter((folder) => {
      const record = folder === stateFolder ? undefined : readAgentRecord(folder);
      return record !== undefined && isSameProcessAlive(record.pid, record.processStart);
    })
    .map((folder) => `--state-dir ${folder}`);
}

export async function connectRecord(record: AgentRecord, clock: Clock): Promise<AgentClient> {
  const answered = new AbortController();
  const connecting = AgentClient.connect(record, { kind: 'cli', version: VERSION });
  const tooLate = sleep(clock, HELLO_DEADLINE_MS, answered.signal).then(() => undefined);
  try {
    const client = await Promise.race([connecting, tooLate]);
    if (client !== undefined) return client;
    void connecting.then(
      (late) => late.dispose(),
      () => undefined,
    );
    throw new InterlockError({
      code: 'timeout',
      message: `What listens at ${record.socketPath} (process ${record.pid}) did not answer hello in ${HELLO_DEADLINE_MS / 1_000} s.`,
      remedy: 'Run "interlock restart"; if that does not help, end that process.',
    });
  } finally {
    answered.abort();
  }
}

/** Connects, does something, and hangs up. */
export async function withAgent<T>(
  session: CliSession,
  use: (client: AgentClient) => Promise<T>,
): Promise<T> {
  const client = await connectAgent(session);
  try {
    return await use(client);
  } finally {
    client.dispose();
  }
}
