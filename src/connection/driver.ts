import { sleep, type Clock } from '../../agent/common/clock.ts';
import { messageOf, toInterlockError } from '../../agent/common/errors.ts';
import { AgentClient } from '../../agent/protocol/agentClient.ts';
import { readAgentRecord, type AgentRecord } from '../../agent/protocol/agentRecord.ts';
import { notifications, requests } from '../../agent/protocol/api.ts';
import type { AgeAlert, StateDelta, StateSnapshot } from '../../agent/protocol/model.ts';
import { PROTOCOL_VERSION } from '../../agent/protocol/version.ts';
import type { Logger } from '../logging.ts';
import { launchAgent, type AgentEnd, type LaunchedAgent } from './launcher.ts';
import type { SupervisorEvent } from './supervisor.ts';
import type { AgentTarget } from './target.ts';

const LAUNCH_TIMEOUT_MS = 30_000;
const LAUNCH_CHECK_MS = 50;
/** An older agent finishes the runs it has, but not for ever. */
const DRAIN_TIMEOUT_MS = 60_000;
/** An agent stops within 5 s even with Redis gone; later it gets a signal, then a stronger one. */
const STOP_TIMEOUT_MS = 6_000;
const TERM_TIMEOUT_MS = 3_000;

/** What came of looking for, or starting, an agent. */
export interface Attempt {
  event: SupervisorEvent;
  client?: AgentClient;
}

/** What the owner of a connection wants to hear. */
export interface ConnectionListener {
  onDelta(delta: StateDelta): void;
  onStopping(reason: string): void;
  onAlert(alert: AgeAlert): void;
}

/** Everything that touches processes and sockets; the supervisor decides, this does. */
export class AgentDriver {
  private launched: LaunchedAgent | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Connects to the agent of this state folder, if one lives there. */
  async look(target: AgentTarget): Promise<Attempt> {
    const record = readAgentRecord(target.stateFolder);
    if (record === undefined) return { event: { type: 'noAgent' } };
    try {
      const client = await this.connect(record, target);
      this.log.info(`connected to agent ${record.agentId} (process ${record.pid})`);
      return { event: { type: 'connected' }, client };
    } catch (error) {
      this.log.debug(`no connection to process ${record.pid}: ${messageOf(error)}`);
      if (toInterlockError(error).code !== 'version_mismatch')
        return { event: { type: 'noAgent' } };
      return { event: versionEvent(record, target) };
    }
  }

  /** Starts an agent and connects to it, or to the one that was faster. */
  async launch(target: AgentTarget): Promise<Attempt> {
    this.log.info(`starting an agent for ${target.workspace} in ${target.stateFolder}`);
    let end: AgentEnd | undefined;
    try {
      const launched = launchAgent(target);
      this.launched = launched;
      void launched.ended.then((value) => {
        end = value;
      });
    } catch (error) {
      return this.launchFailed({ kind: 'cannotStart', message: messageOf(error) });
    }
    const deadline = this.clock.monotonic() + LAUNCH_TIMEOUT_MS;
    while (this.clock.monotonic() < deadline) {
      const attempt = await this.look(target);
      if (attempt.event.type !== 'noAgent') return attempt;
      // One that lost the race to another window ends; the winner is found by looking again.
      if (end !== undefined && !end.otherAgent) return this.launchFailed(end.problem);
      await sleep(this.clock, LAUNCH_CHECK_MS);
    }
    this.launched.kill();
    return this.launchFailed({
      kind: 'cannotStart',
      message: `The agent was not ready within ${LAUNCH_TIMEOUT_MS / 1_000} s.`,
      remedy: 'Look into the log for the cause.',
    });
  }

  /** Asks for everything, and then hears of each change. */
  async subscribe(client: AgentClient, listener: ConnectionListener): Promise<StateSnapshot> {
    const onBad = (reason: string) =>
      this.log.warn(`the agent sent something unreadable: ${reason}`);
    client.onNotification(notifications.delta, (delta) => listener.onDelta(delta), onBad);
    client.onNotification(
      notifications.stopping,
      ({ reason }) => listener.onStopping(reason),
      onBad,
    );
    client.onNotification(notifications.alert, (alert) => listener.onAlert(alert), onBad);
    return this.snapshot(client);
  }

  snapshot(client: AgentClient): Promise<StateSnapshot> {
    return client.request(requests.subscribe, {});
  }

  /** Asks an agent of an older protocol to finish and leave. */
  async drain(target: AgentTarget): Promise<SupervisorEvent> {
    const record = readAgentRecord(target.stateFolder);
    if (record === undefined) return { type: 'drained' };
    this.log.info(`asking agent ${record.agentId} of protocol ${record.protocol} to leave`);
    try {
      const client = await AgentClient.open(record);
      await client.request(requests.drain, { token: record.token });
      client.dispose();
    } catch (error) {
      this.log.debug(`drain: ${messageOf(error)}`);
    }
    if (await this.waitForEnd(record.pid, DRAIN_TIMEOUT_MS)) return { type: 'drained' };
    return {
      type: 'launchFailed',
      atMs: this.clock.monotonic(),
      problem: {
        kind: 'oldAgentBusy',
        message: `An agent of an older Interlock (process ${record.pid}) still runs jobs.`,
        remedy: 'Wait until its jobs have ended, or end that process, then try again.',
      },
    };
  }

  /** Asks, then insists. With no client, the agent that is being started is ended. */
  async stop(client: AgentClient | undefined): Promise<SupervisorEvent> {
    if (client === undefined) {
      this.launched?.kill();
      return { type: 'stopped' };
    }
    const { pid } = client.record;
    let withinMs = 0;
    client.request(requests.stop, {}).then(
      // The config may give runs more time to finish than usual.
      (answer) => (withinMs = answer.withinMs ?? 0),
      (error: unknown) => this.log.debug(`stop: ${messageOf(error)}`),
    );
    const left = async () =>
      (await this.waitForEnd(pid, STOP_TIMEOUT_MS)) ||
      (withinMs > STOP_TIMEOUT_MS && (await this.waitForEnd(pid, withinMs)));
    if (await left()) return { type: 'stopped' };
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      this.log.warn(`agent process ${pid} does not stop: ${signal}`);
      sendSignal(pid, signal);
      if (await this.waitForEnd(pid, TERM_TIMEOUT_MS)) break;
    }
    return { type: 'stopped' };
  }

  private connect(record: AgentRecord, target: AgentTarget): Promise<AgentClient> {
    return AgentClient.connect(record, { kind: 'extension', version: target.version });
  }

  private launchFailed(problem: AgentEnd['problem']): Attempt {
    return { event: { type: 'launchFailed', problem, atMs: this.clock.monotonic() } };
  }

  private async waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
    const deadline = this.clock.monotonic() + timeoutMs;
    while (sendSignal(pid, 0)) {
      if (this.clock.monotonic() >= deadline) return false;
      await sleep(this.clock, LAUNCH_CHECK_MS);
    }
    return true;
  }
}

function versionEvent(record: AgentRecord, target: AgentTarget): SupervisorEvent {
  if (record.protocol < PROTOCOL_VERSION) return { type: 'olderAgent' };
  return {
    type: 'newerAgent',
    problem: {
      kind: 'newerAgent',
      message: `The agent of this workspace is Interlock ${record.version}, newer than this extension (${target.version}).`,
      remedy: 'Update the Interlock extension, then reload this window.',
    },
  };
}

/** @returns false when there is no such process */
function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
