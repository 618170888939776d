import { assertNever } from '../../agent/common/assertNever.ts';
import type { QueueRow } from '../../agent/protocol/model.ts';
import type { ExtensionState } from '../api.ts';
import type { Problem } from '../connection/problem.ts';
import { countJobs, streamTotals } from '../model/selectors.ts';
import type { Store } from '../model/store.ts';
import { formatAge, formatCount } from './age.ts';
import { describeHolder } from './holderText.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

export interface StatusSubject {
  state: ExtensionState;
  problem: Problem | undefined;
  store: Store;
  nowMs: number;
}

export interface StatusText {
  text: string;
  spoken: string;
  /** Someone must act. */
  alarm: boolean;
}

/** The status bar item; undefined where there is nothing worth a place in it. */
export function statusText(subject: StatusSubject, t: Translate): StatusText | undefined {
  switch (subject.state) {
    case 'noFolder':
    case 'noConfig':
    case 'untrusted':
      return undefined;
    case 'stopped':
      return { text: '$(circle-slash) Interlock', spoken: t('Interlock is stopped'), alarm: false };
    case 'starting':
      return { text: '$(sync~spin) Interlock', spoken: t('Interlock is starting'), alarm: false };
    case 'failed':
      return alarm(t('Interlock could not start its agent'));
    case 'redisUnreachable':
      return alarm(t('Interlock can not reach Redis'));
    case 'running':
      return runningText(subject.store, t);
    default:
      return assertNever(subject.state);
  }
}

function alarm(spoken: string): StatusText {
  return { text: '$(warning) Interlock', spoken, alarm: true };
}

function runningText(store: Store, t: Translate): StatusText {
  const { live, wanted, suspended } = streamTotals(store.rows('streams').values());
  const spoken = t('Interlock: {0} of {1} streams live', live, wanted);
  if (suspended.length > 0) {
    const names = suspended.join(', ');
    return {
      text: `$(warning) ${live}/${wanted}`,
      spoken: `${spoken}, ${t('suspended: {0}', names)}`,
      alarm: true,
    };
  }
  const configTrouble = store.agent?.configTrouble ?? null;
  if (configTrouble !== null) {
    return {
      text: `$(warning) ${live}/${wanted}`,
      spoken: t('Interlock: the config has a problem'),
      alarm: true,
    };
  }
  if (store.rows('streams').size === 0) {
    return { text: '$(pulse) Interlock', spoken: t('Interlock is running'), alarm: false };
  }
  return { text: `$(pulse) ${live}/${wanted}`, spoken, alarm: false };
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
  ];
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
