import * as z from 'zod';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import { requests, type Requests } from '../protocol/api.ts';
import type { DecisionAction } from '../protocol/decision.ts';
import type { Duty, Role } from '../protocol/role.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';
import { roleForbids } from '../state/roleForbids.ts';

export type RequestName = keyof Requests;

/** Answers a request that the role of the agent forbids. */
export type Refusal = (params: unknown) => Promise<never>;

/** Looking, stopping, and freeing a lock by hand: every agent does that. */
const EVERYONE = 'everyone';

const COMMANDS: readonly Duty[] = ['commands'];
const STREAMS: readonly Duty[] = ['streams'];
const RUNS: readonly Duty[] = ['runs'];
const SCHEDULES: readonly Duty[] = ['commands', 'schedules'];
const SIMULATIONS: readonly Duty[] = ['simulations'];

/** What an agent must do besides, to answer a request: one of these duties is enough. */
const DUTIES_FOR: Readonly<Record<RequestName, readonly Duty[] | typeof EVERYONE>> = {
  hello: EVERYONE,
  drain: EVERYONE,
  status: EVERYONE,
  agents: EVERYONE,
  stop: EVERYONE,
  log: EVERYONE,
  checkPayload: EVERYONE,
  subscribe: EVERYONE,
  unsubscribe: EVERYONE,
  jobs: EVERYONE,
  job: EVERYONE,
  queues: EVERYONE,
  schedules: EVERYONE,
  streams: EVERYONE,
  locks: EVERYONE,
  releaseLock: EVERYONE,
  decisions: EVERYONE,
  history: EVERYONE,
  enqueue: COMMANDS,
  requeue: COMMANDS,
  promote: COMMANDS,
  remove: COMMANDS,
  rerun: COMMANDS,
  debugJob: RUNS,
  debugNew: RUNS,
  debugNext: RUNS,
  attachDebugger: RUNS,
  debugPlace: RUNS,
  endDebug: RUNS,
  debugs: EVERYONE,
  pauseQueue: COMMANDS,
  resumeQueue: COMMANDS,
  drainQueue: COMMANDS,
  leaders: EVERYONE,
  runSchedule: SCHEDULES,
  pauseSchedule: SCHEDULES,
  resumeSchedule: SCHEDULES,
  skipSlot: SCHEDULES,
  startStream: STREAMS,
  stopStream: STREAMS,
  restartStream: STREAMS,
  resumeStream: STREAMS,
  rotateStream: STREAMS,
  addSymbols: STREAMS,
  removeSymbols: STREAMS,
  // Names of symbols are made by the adapter, which is code of the workspace.
  symbols: STREAMS,
  reap: ['streams', 'runs', 'schedules'],
  simulateDuplicates: SIMULATIONS,
  simulateStory: SIMULATIONS,
};

/** What is asked for with these is about one thing, so that its refusal can be recorded. */
const ACTIONS: Readonly<Partial<Record<RequestName, DecisionAction>>> = {
  enqueue: 'enqueue',
  runSchedule: 'schedule',
  pauseSchedule: 'pause_schedule',
  resumeSchedule: 'resume_schedule',
  skipSlot: 'skip_slot',
  drainQueue: 'drain',
  startStream: 'start_stream',
  stopStream: 'stop_stream',
  restartStream: 'restart_stream',
  resumeStream: 'resume_stream',
  rotateStream: 'rotate_stream',
  addSymbols: 'change_symbols',
  removeSymbols: 'change_symbols',
};

const subjectOf = z
  .union([
    z.object({ type: z.string() }).transform(({ type }) => type),
    z.object({ name: z.string() }).transform(({ name }) => name),
    z.object({ queue: z.string() }).transform(({ queue }) => queue),
  ])
  .catch('');

export interface RoleGateOptions {
  role: Role;
  decisions: DecisionLog;
  /** The agents of this Redis: one of them may do it. */
  agents: () => Promise<AgentEntry[]>;
}

/** Lets through what the role of this agent allows. */
export class RoleGate {
  constructor(private readonly options: RoleGateOptions) {}

  /** @returns undefined for a request that the role allows */
  refusalOf(name: RequestName): Refusal | undefined {
    const duties = DUTIES_FOR[name];
    const { role } = this.options;
    if (duties === EVERYONE || duties.some((duty) => role.duties.has(duty))) return undefined;
    return (params) => this.refuse(name, duties, params);
  }

  private async refuse(
    name: RequestName,
    duties: readonly Duty[],
    params: unknown,
  ): Promise<never> {
    const { role, agents } = this.options;
    const subject = subjectOf.parse(params);
    const about = subject === '' ? '' : ` of ${subject}`;
    const error = roleForbids({
      ...{ asked: `${requests[name].method}${about}`, role, duties },
      agents: await agents().catch(() => []),
    });
    await this.record(name, subject, error.remedy ?? null);
    throw error;
  }

  private async record(name: RequestName, subject: string, remedy: string | null): Promise<void> {
    const action = ACTIONS[name];
    if (action === undefined) return;
    await this.options.decisions.record({
      ...{ action, subject, key: null, outcome: 'refused', reason: 'role_forbids', jobId: null },
      ...{ survivor: null, holder: null, until: null, remedy },
    });
  }
}
