import { assertNever } from '../../agent/common/assertNever.ts';
import type { AgeAlert, QueueRow } from '../../agent/protocol/model.ts';
import { connectionTotals } from '../../agent/protocol/streamFigures.ts';
import type { ExtensionState } from '../api.ts';
import type { Problem } from '../connection/problem.ts';
import { VIEWS, type ViewId } from '../contributions.ts';
import { countJobs, sortedByName, suspendedStreams } from '../model/selectors.ts';
import type { Store } from '../model/store.ts';
import { formatAge, formatCount } from './age.ts';
import { describeAlert, isUrgent } from './ageText.ts';
import { describeHolder } from './holderText.ts';
import { joined } from './jobText.ts';
import { sleepText } from './streamText.ts';
import type { Translate } from './translate.ts';

/** So many fit into a tooltip. */
const SHOWN_ALERTS = 5;
const SHOWN_SLEEPING = 5;

export interface StatusSubject {
  state: ExtensionState;
  problem: Problem | undefined;
  store: Store;
  /** Streams of which ticks are given up right now. */
  dropping: readonly string[];
  nowMs: number;
}

export interface StatusText {
  text: string;
  spoken: string;
  /** Someone must act; `error` when it can not wait. */
  alarm: 'none' | 'warning' | 'error';
  /** Where it is seen; undefined: the streams. */
  view?: ViewId;
}

/** The status bar item; undefined where there is nothing worth a place in it. */
export function statusText(subject: StatusSubject, t: Translate): StatusText | undefined {
  switch (subject.state) {
    case 'noFolder':
    case 'noConfig':
    case 'untrusted':
      return undefined;
    case 'stopped':
      return {
        text: '$(circle-slash) Interlock',
        spoken: t('Interlock is stopped'),
        alarm: 'none',
      };
    case 'starting':
      return { text: '$(sync~spin) Interlock', spoken: t('Interlock is starting'), alarm: 'none' };
    case 'failed':
      return alarm(t('Interlock could not start its agent'));
    case 'redisUnreachable':
      return alarm(t('Interlock can not reach Redis'));
    case 'running':
      return runningText(subject, t);
    default:
      return assertNever(subject.state);
  }
}

function alarm(spoken: string): StatusText {
  return { text: '$(warning) Interlock', spoken, alarm: 'warning' };
}

function runningText({ store, dropping, nowMs }: StatusSubject, t: Translate): StatusText {
  const { count, spoken, icon } = streamCount(store, t);
  const urgent = (store.agent?.alerts ?? []).filter(isUrgent);
  const worst = urgent.find(({ level }) => level === 'emergency') ?? urgent[0];
  if (worst !== undefined) {
    return {
      text: `$(${worst.level === 'emergency' ? 'flame' : 'warning'}) ${count}`,
      spoken: `${spoken}, ${worst.name} ${describeAlert(worst, nowMs, t)}`,
      alarm: worst.level === 'emergency' ? 'error' : 'warning',
      view: worst.kind === 'lock' ? VIEWS.locks : VIEWS.jobs,
    };
  }
  const trouble = streamTrouble(store, dropping, t);
  if (trouble !== '')
    return { text: `$(warning) ${count}`, spoken: `${spoken}, ${trouble}`, alarm: 'warning' };
  if ((store.agent?.configTrouble ?? null) !== null) {
    return {
      text: `$(warning) ${count}`,
      spoken: t('Interlock: the config has a problem'),
      alarm: 'warning',
    };
  }
  return { text: `$(${icon}) ${count}`, spoken, alarm: 'none' };
}

/** Live connections of those that should be live now; what sleeps is not missing. */
function streamCount(
  store: Store,
  t: Translate,
): { count: string; spoken: string; icon: 'pulse' | 'watch' } {
  const streams = store.rows('streams');
  if (streams.size === 0)
    return { count: 'Interlock', spoken: t('Interlock is running'), icon: 'pulse' };
  const { live, wanted, sleeping } = connectionTotals(streams.values());
  const allSleep = wanted === 0 && sleeping > 0;
  return {
    count: `${live}/${wanted}`,
    spoken: allSleep
      ? t('Interlock: all streams are sleeping')
      : t('Interlock: {0} of {1} connections live', live, wanted),
    icon: allSleep ? 'watch' : 'pulse',
  };
}

/** What a person must do something about; what heals by itself is not told here. */
function streamTrouble(store: Store, dropping: readonly string[], t: Translate): string {
  const suspended = suspendedStreams(store.rows('streams').values()).map(({ name }) => name);
  const facts = [
    suspended.length === 0 ? '' : t('suspended: {0}', suspended.join(', ')),
    dropping.length === 0 ? '' : t('ticks are dropped: {0}', dropping.join(', ')),
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}

/** The rows of the small dashboard: what runs, in one look. */
export function dashboardFacts(
  subject: StatusSubject,
  t: Translate,
): (readonly [string, string])[] {
  const { store, nowMs } = subject;
  const { agent } = store;
  if (agent === undefined) return [];
  const queues = [...store.rows('queues').values()];
  const count = (state: Parameters<typeof countJobs>[1], word: string) => {
    const jobs = countJobs(queues, state);
    return jobs === 0 ? '' : `${formatCount(jobs)} ${word}`;
  };
  const jobs = joined([
    count('active', t('active')),
    count('waiting', t('waiting')),
    count('delayed', t('delayed')),
    count('failed', t('failed')),
  ]);
  return [
    [
      t('Agent'),
      t('process {0}, role {1}, up {2}', agent.pid, agent.role, formatAge(agent.startedAt, nowMs)),
    ],
    [t('Redis'), redisText(agent.redis, t)],
    ...streamFacts(store, nowMs, t),
    [t('Jobs'), jobs === '' ? t('none waiting or running') : jobs],
    [t('Queues'), queues.map((queue) => queueText(queue, t)).join(', ')],
    [t('Scheduler lock'), schedulerText(store, nowMs, t)],
    ...alertFacts(agent.alerts, nowMs, t),
  ];
}

/** How many connections are live, and each stream that sleeps. */
function streamFacts(store: Store, nowMs: number, t: Translate): (readonly [string, string])[] {
  const streams = sortedByName(store.rows('streams'));
  const { live, wanted } = connectionTotals(streams);
  const sleeping = streams.filter(({ state }) => state === 'sleeping');
  const shown = sleeping
    .slice(0, SHOWN_SLEEPING)
    .map((stream) => [stream.name, sleepText(stream, nowMs, t)] as const);
  const rest = sleeping.length - shown.length;
  return [
    [t('Streams'), t('{0} of {1} connections live', live, wanted)],
    ...shown,
    ...(rest > 0 ? [[t('Sleeping'), t('{0} more', rest)] as const] : []),
  ];
}

/** Runs and locks over a threshold, the oldest first. */
function alertFacts(
  alerts: readonly AgeAlert[],
  nowMs: number,
  t: Translate,
): (readonly [string, string])[] {
  const shown = alerts
    .slice(0, SHOWN_ALERTS)
    .map((alert) => [alert.name, describeAlert(alert, nowMs, t)] as const);
  const rest = alerts.length - shown.length;
  return rest > 0 ? [...shown, [t('Over their age'), t('{0} more', rest)]] : shown;
}

function queueText({ name, paused }: QueueRow, t: Translate): string {
  return paused ? t('{0} (paused)', name) : name;
}

function redisText(redis: NonNullable<Store['agent']>['redis'], t: Translate): string {
  const kind = redis.kind === 'private' ? t('private') : redis.address;
  const version = redis.version ?? '';
  return joined([
    kind,
    version,
    redis.state === 'connected' ? '' : redis.state,
    redis.trouble ?? '',
  ]);
}

function schedulerText(store: Store, nowMs: number, t: Translate): string {
  const lock = [...store.rows('locks').values()].find(({ kind }) => kind === 'scheduler');
  if (lock === undefined || lock.holder === null) return t('free');
  return joined([describeHolder(lock.holder, t), formatAge(lock.acquiredAt, nowMs)]);
}
