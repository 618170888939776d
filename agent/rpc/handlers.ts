import { timingSafeEqual } from 'node:crypto';
import { InterlockError } from '../common/errors.ts';
import type { DebugService } from '../debugging/debugService.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { AgeWatch } from '../feed/ageWatch.ts';
import type { StateFeed } from '../feed/stateFeed.ts';
import type { StateStore } from '../feed/stateStore.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { JobActions } from '../jobs/jobActions.ts';
import type { JobReader } from '../jobs/jobReader.ts';
import type { QueueDrain } from '../jobs/queueDrain.ts';
import type { QueueSet } from '../jobs/queueSet.ts';
import {
  notifications,
  type Notifications,
  type PayloadProblem,
  type SimulateDuplicatesParams,
  type Requests,
  type SimulateDuplicatesResult,
  type StoryEvent,
  type StoryName,
  type StoryResult,
} from '../protocol/api.ts';
import type { DebugRow } from '../protocol/debug.ts';
import type { Decision } from '../protocol/decision.ts';
import type { ParamsOf } from '../protocol/define.ts';
import type {
  AgentRow,
  AgentStatus,
  LockRow,
  RunRow,
  ScheduleRow,
  StreamRow,
} from '../protocol/model.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import type { Recovery } from '../reaper/recovery.ts';
import type { Scheduler } from '../schedules/scheduler.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';
import type { StreamService } from '../streams/pool/streamService.ts';
import type { Handlers } from './server.ts';

/** So many jobs are put in at one time: round trips overlap, and memory stays bounded. */
const ENQUEUE_CHUNK = 100;

/** What the agent offers to its clients. What its role does not have is undefined. */
export interface AgentServices {
  token: string;
  store: StateStore;
  feed: StateFeed;
  queues: QueueSet;
  reader: JobReader;
  actions: JobActions;
  enqueuing: Enqueuing;
  scheduler: Scheduler;
  /** Of the config, and of other BullMQ programs. */
  scheduleRows: () => Promise<ScheduleRow[]>;
  streams: StreamService | undefined;
  /** Of every stream of the config, whoever runs it. */
  streamRows(): Promise<StreamRow[]>;
  recovery: Recovery | undefined;
  debugging: DebugService | undefined;
  /** Here, and in other agents. */
  debugRows(): Promise<DebugRow[]>;
  drain: QueueDrain;
  /** What of a text does not fit the schema of a job type. */
  payloadProblems(type: string, text: string): PayloadProblem[];
  decisions: DecisionLog;
  ages: AgeWatch;
  status(): AgentStatus;
  agentRows(): Promise<AgentRow[]>;
  /** The agents of this Redis, this one too. */
  agents(): Promise<AgentEntry[]>;
  locks(params: ParamsOf<Requests['locks']>): Promise<{ rows: LockRow[]; total: number }>;
  releaseLock(params: ParamsOf<Requests['releaseLock']>): Promise<Decision>;
  history(params: ParamsOf<Requests['history']>): Promise<{ rows: RunRow[]; total: number }>;
  simulateStory(
    params: { story: StoryName; naive: boolean },
    onEvent: (event: StoryEvent) => void,
    signal: AbortSignal,
  ): Promise<StoryResult>;
  simulateDuplicates(
    params: SimulateDuplicatesParams,
    onProgress: (progress: ParamsOf<Notifications['simulateProgress']>) => void,
    signal: AbortSignal,
  ): Promise<SimulateDuplicatesResult>;
  readLog(lines: number): Promise<{ path: string; lines: string[] }>;
  /** Asks the agent to leave; answers are still sent. */
  requestStop(reason: string): void;
  /** Within which it is gone then, with Redis dead too; ms. */
  stopWithinMs: number;
  clientsChanged(): void;
}

/** The agent's answers, one for each request of the protocol. */
export function createHandlers(services: AgentServices): Handlers {
  return {
    ...lifecycleHandlers(services),
    ...stateHandlers(services),
    ...jobHandlers(services),
    ...queueHandlers(services),
    ...streamHandlers(services),
    agents: () => services.agentRows(),
    ...scheduleHandlers(services),
    ...debugHandlers(services),
    locks: (params) => services.locks(params),
    releaseLock: (params) => services.releaseLock(params),
    reap: ({ dryRun }) => ofRole(services.recovery).reap(dryRun),
    history: (params) => services.history(params),
    decisions: async ({ subject, key, outcome, action, limit, offset }) => {
      if ([subject, key, outcome, action].every((wanted) => wanted === undefined))
        return services.decisions.list(limit, offset);
      const matches = (decision: Decision) =>
        (subject === undefined || decision.subject === subject) &&
        (key === undefined || decision.key === key) &&
        (outcome === undefined || decision.outcome === outcome) &&
        (action === undefined || decision.action === action);
      return services.decisions.list(limit, offset, matches);
    },
    simulateDuplicates: async (params, { session }) => {
      const aborted = new AbortController();
      session.onClose(() => aborted.abort());
      return services.simulateDuplicates(
        params,
        (progress) => session.notify(notifications.simulateProgress, progress),
        aborted.signal,
      );
    },
    simulateStory: async (params, { session }) => {
      const aborted = new AbortController();
      session.onClose(() => aborted.abort());
      return services.simulateStory(
        params,
        (event) => session.notify(notifications.storyEvent, event),
        aborted.signal,
      );
    },
  };
}

type Some<K extends keyof Handlers> = Pick<Handlers, K>;

function lifecycleHandlers(
  services: AgentServices,
): Some<'hello' | 'drain' | 'status' | 'stop' | 'log'> {
  return {
    hello: async ({ token, protocol, client }, { session }) => {
      checkToken(token, services.token);
      const status = services.status();
      if (protocol !== PROTOCOL_VERSION) throw versionMismatch(protocol, client.kind);
      session.greeted = true;
      services.clientsChanged();
      return Promise.resolve({
        ...{ protocol: PROTOCOL_VERSION, version: status.version, agentId: status.agentId },
        ...{ pid: status.pid, role: status.role },
      });
    },
    drain: async ({ token }) => {
      checkToken(token, services.token);
      services.requestStop('another version of Interlock takes over');
      return Promise.resolve({ runsInProgress: services.status().runsInProgress });
    },
    status: async () => {
      await services.feed.countTotals();
      return services.status();
    },
    stop: async () => {
      services.requestStop('a client asked for it');
      return Promise.resolve({ withinMs: services.stopWithinMs });
    },
    log: ({ lines }) => services.readLog(lines),
  };
}

function stateHandlers(services: AgentServices): Some<'subscribe' | 'unsubscribe'> {
  return {
    subscribe: async (_params, { session }) => {
      await services.feed.refreshAll();
      const snapshot = services.store.snapshot();
      const ends = [
        services.store.subscribe((delta) => session.notify(notifications.delta, delta)),
        services.ages.onAlert((alert) => session.notify(notifications.alert, alert)),
      ];
      session.setSubscription(() => ends.forEach((end) => end()));
      services.feed.resume();
      return snapshot;
    },
    unsubscribe: async (_params, { session }) => {
      session.setSubscription(undefined);
      return Promise.resolve({});
    },
  };
}

function jobHandlers(
  services: AgentServices,
): Some<'enqueue' | 'checkPayload' | 'jobs' | 'job' | 'requeue' | 'promote' | 'remove' | 'rerun'> {
  const { actions, reader, enqueuing } = services;
  return {
    enqueue: async ({ count, ...request }) => {
      const decisions: Decision[] = [];
      while (decisions.length < count) {
        const length = Math.min(ENQUEUE_CHUNK, count - decisions.length);
        const chunk = Array.from({ length }, () => enqueuing.enqueue(request));
        decisions.push(...(await Promise.all(chunk)));
      }
      return decisions;
    },
    checkPayload: async ({ type, text }) => Promise.resolve(services.payloadProblems(type, text)),
    jobs: (params) => reader.list(params),
    job: ({ id, queue }) => reader.detail(id, queue),
    requeue: async ({ jobs, allFailed, queue }) => {
      if (!allFailed) return actions.requeue(jobs);
      const queues =
        queue === undefined ? services.queues.names() : [services.queues.require(queue).name];
      return actions.requeue(await actions.failedRefs(queues));
    },
    rerun: ({ data, ...ref }) => actions.rerun(ref, data),
    promote: ({ jobs }) => actions.promote(jobs),
    remove: ({ jobs }) => actions.remove(jobs),
  };
}

function queueHandlers(
  services: AgentServices,
): Some<'queues' | 'pauseQueue' | 'resumeQueue' | 'drainQueue'> {
  const { queues, reader, feed, drain } = services;
  return {
    queues: () => reader.queueRows(),
    pauseQueue: async ({ queue }) => {
      await queues.require(queue).pause();
      feed.queueChanged(queue);
      return reader.queueRow(queue);
    },
    resumeQueue: async ({ queue }) => {
      await queues.require(queue).resume();
      feed.queueChanged(queue);
      return reader.queueRow(queue);
    },
    drainQueue: async ({ queue, delayed, dryRun }) => {
      queues.require(queue);
      if (dryRun) return { decision: null, removed: await drain.count(queue, delayed) };
      return drain.drain(queue, delayed).finally(() => feed.queueChanged(queue));
    },
  };
}

function scheduleHandlers({
  scheduler,
  scheduleRows,
  feed,
}: AgentServices): Some<
  'schedules' | 'runSchedule' | 'pauseSchedule' | 'resumeSchedule' | 'skipSlot' | 'leaders'
> {
  // Schedules have no events: the view is to show at once what was asked for here.
  const shown = async (asked: Promise<Decision>) => asked.finally(() => feed.schedulesChanged());
  return {
    schedules: () => scheduleRows(),
    runSchedule: ({ name }) => scheduler.control.runNow(name),
    pauseSchedule: ({ name }) => shown(scheduler.control.pause(name)),
    resumeSchedule: ({ name }) => shown(scheduler.control.resume(name)),
    skipSlot: ({ name }) => shown(scheduler.control.skipNext(name)),
    leaders: () => scheduler.leaderRows(),
  };
}

function streamHandlers(
  services: AgentServices,
): Some<
  | 'streams'
  | 'startStream'
  | 'stopStream'
  | 'restartStream'
  | 'resumeStream'
  | 'rotateStream'
  | 'addSymbols'
  | 'removeSymbols'
  | 'symbols'
> {
  const streams = () => ofRole(services.streams);
  return {
    streams: () => services.streamRows(),
    startStream: ({ name }) => streams().start(name),
    stopStream: ({ name }) => streams().stop(name),
    restartStream: ({ name }) => streams().restart(name),
    resumeStream: ({ name, shard }) => streams().resume(name, shard),
    rotateStream: ({ name, shard }) => streams().rotate(name, shard),
    addSymbols: ({ name, symbols }) => streams().addSymbols(name, symbols),
    removeSymbols: ({ name, symbols }) => streams().removeSymbols(name, symbols),
    symbols: (params) => streams().symbols(params),
  };
}

function debugHandlers(
  services: AgentServices,
): Some<
  'debugJob' | 'debugNew' | 'debugNext' | 'attachDebugger' | 'debugPlace' | 'endDebug' | 'debugs'
> {
  const debugging = () => ofRole(services.debugging);
  return {
    debugJob: ({ data, ...ref }, { session }) => debugging().job(ref, data, session),
    debugNew: ({ type, data }, { session }) => debugging().newJob(type, data, session),
    debugNext: async ({ type }, { session }) => Promise.resolve(debugging().next(type, session)),
    attachDebugger: async ({ id }) => ({ url: await debugging().attach(id) }),
    debugPlace: async ({ id, at }) => Promise.resolve(debugging().placed(id, at)),
    endDebug: async ({ id, how }) => Promise.resolve(debugging().end(id, how)),
    debugs: () => services.debugRows(),
  };
}

/** The gate refuses what the role does not have: what comes through is there. */
function ofRole<T>(service: T | undefined): T {
  if (service === undefined) throw new Error('The role of this agent does not have this service.');
  return service;
}

/** Compares in constant time, so that the answer's delay tells nothing of the token. */
function checkToken(given: string, expected: string): void {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  throw new InterlockError({
    code: 'unauthorized',
    message: 'The token is not the one of this agent.',
    remedy: 'Read it anew from agent.json in the state folder: the agent may have been restarted.',
  });
}

function versionMismatch(theirs: number, kind: string): InterlockError {
  const clientIsOlder = theirs < PROTOCOL_VERSION;
  return new InterlockError({
    code: 'version_mismatch',
    message: `This agent speaks protocol ${PROTOCOL_VERSION}, the ${kind} speaks ${theirs}.`,
    remedy: clientIsOlder
      ? `Update the ${kind}, or reload the window if it was updated just now.`
      : 'The agent is older: ask it to leave (agent/drain) and start the newer one.',
    details: { protocol: PROTOCOL_VERSION, clientProtocol: theirs },
  });
}
