import { formatDuration } from '../../common/duration.ts';
import type {
  AgentRow,
  AgentStatus,
  LockRow,
  MetricsStatus,
  QueueRow,
  RedisStatus,
  StreamRow,
} from '../../protocol/model.ts';
import type { LongAge } from '../gatherStatus.ts';
import { paintLevel } from './ageText.ts';
import { agentsLine } from './agentsText.ts';
import { holderName } from './ages.ts';
import { queuesText } from './queueText.ts';
import { streamLine } from './streamText.ts';
import type { Style } from './style.ts';
import { plural } from './table.ts';

export interface StatusReport {
  agent: AgentStatus;
  redis: RedisStatus;
  role: string;
  queues: QueueRow[];
  streams: StreamRow[];
  schedulerLock: LockRow | null;
  locks: LockRow[];
  agents: AgentRow[];
  agesOverThreshold: LongAge[];
}

export function statusText(report: StatusReport, nowMs: number, style: Style): string {
  const lines = [
    agentLine(report.agent, nowMs, style),
    redisLine(report.redis, style),
    schedulerLine(report.schedulerLock, style),
  ];
  // One agent is told in the first line already.
  if (report.agents.length > 1) lines.push(agentsLine(report.agents, style));
  const { configTrouble, metrics } = report.agent;
  if (metrics !== undefined) lines.push(metricsLine(metrics, style));
  if (configTrouble !== null)
    lines.push(style.warning(`Config on disk is not in force: ${configTrouble}`));
  lines.push('', queuesText(report.queues, style));
  if (report.streams.length > 0) {
    lines.push('', ...report.streams.map((stream) => streamLine(stream, nowMs, style)));
  }
  if (report.agesOverThreshold.length > 0) {
    lines.push('', ...report.agesOverThreshold.map((age) => ageLine(age, style)));
  }
  return lines.join('\n');
}

export function agentLine(agent: AgentStatus, nowMs: number, style: Style): string {
  const age = formatDuration(nowMs - Date.parse(agent.startedAt));
  const facts = [
    `process ${agent.pid}`,
    `role ${agent.role}`,
    `up ${age}`,
    plural(agent.runsInProgress, 'run'),
    plural(agent.clients, 'client'),
  ];
  return `${style.heading('Agent')}      ${style.good(agent.draining ? 'draining' : 'running')}, ${facts.join(', ')}`;
}

export function redisLine(redis: RedisStatus, style: Style): string {
  const state = redis.state === 'connected' ? style.good(redis.state) : style.bad(redis.state);
  const version = redis.version === null ? '' : `, version ${redis.version}`;
  const trouble = redis.trouble === null ? '' : `: ${redis.trouble}`;
  return `${style.heading('Redis')}      ${state}, ${redis.kind} at ${redis.address}${version}${trouble}`;
}

export function schedulerLine(lock: LockRow | null, style: Style): string {
  const heading = style.heading('Scheduler');
  if (lock === null) return `${heading}  its lock is free at the moment`;
  const age = formatDuration(lock.ageMs ?? 0);
  return `${heading}  ${lock.name} ${lock.state.replaceAll('_', ' ')} by ${holderName(lock.holder)}, age ${age}, fence ${lock.fence ?? '-'}`;
}

function metricsLine({ url, trouble }: MetricsStatus, style: Style): string {
  const text = url === null ? style.warning(trouble ?? 'not there yet') : url;
  return `${style.heading('Metrics')}    ${text}`;
}

function ageLine(age: LongAge, style: Style): string {
  const text = `${age.level}: ${age.kind} ${age.name} for ${formatDuration(age.ageMs)}`;
  return paintLevel(text, age.level, style);
}
