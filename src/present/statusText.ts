import { assertNever } from '../../agent/common/assertNever.ts';
import type { AgeAlert, QueueRow } from '../../agent/protocol/model.ts';
import type { ExtensionState } from '../api.ts';
import type { Problem } from '../connection/problem.ts';
import { VIEWS, type ViewId } from '../contributions.ts';
import { countJobs, streamTotals } from '../model/selectors.ts';
import type { Store } from '../model/store.ts';
import { formatAge, formatCount } from './age.ts';
import { describeAlert, isUrgent } from './ageText.ts';
import { describeHolder } from './holderText.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** So many fit into a tooltip. */
const SHOWN_ALERTS = 5;

export interface StatusSubject {
  state: ExtensionState;
  problem: Problem | undefined;
  store: Store;
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
      return runningText(subject.store, subject.nowMs, t);
    default:
      return assertNever(subject.state);
  }
}

function alarm(spoken: string): StatusText {
  return { text: '$(warning) Interlock', spoken, alarm: 'warning' };
}

function runningText(store: Store, nowMs: number, t: Translate): StatusText {
  const { live, wanted, suspended } = streamTotals(store.rows('streams').values());
  const count = store.rows('streams').size === 0 ? 'Interlock' : `${live}/${wanted}`;
  const spoken =
    store.rows('streams').size === 0
      ? t('Interlock is running')
      : t('Interlock: {0} of {1} streams live', live, wanted);
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
  if (suspended.length > 0) {
    const names = suspended.join(', ');
    return {
      text: `$(warning) ${count}`,
      spoken: `${spoken}, ${t('suspended: {0}', names)}`,
      alarm: 'warning',
    };
  }
  if ((store.agent?.configTrouble ?? null) !== null) {
    return {
      text: `$(warning) ${count}`,
      spoken: t('Interlock: the config has a problem'),
      alarm: 'warning',
    };
  }
  return { text: `$(pulse) ${count}`, spoken, alarm: 'none' };
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
  const { live, wanted } = streamTotals(store.rows('streams').values());
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
    [t('Streams'), t('{0} of {1} live', live, wanted)],
    [t('Jobs'), jobs === '' ? t('none waiting or running') : jobs],
    [t('Queues'), queues.map((queue) => queueText(queue, t)).join(', ')],
    [t('Scheduler lock'), schedulerText(store, nowMs, t)],
    ...alertFacts(agent.alerts, nowMs, t),
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
