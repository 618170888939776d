import { formatDuration } from '../common/duration.ts';
import type { ConnectionState, LockRow } from '../protocol/model.ts';
import { assessAgents } from './assessAgents.ts';
import { assessEnvironment } from './assessEnvironment.ts';
import { assessJobs } from './assessJobs.ts';
import { assessRedis } from './assessRedis.ts';
import { failure, ok, warning, type Check } from './check.ts';
import type { DoctorFacts, QueueFacts, StateFolderFacts } from './facts.ts';

const MIN_NODE: readonly [major: number, minor: number] = [20, 19];
const OTHERS_MAY = 0o077;

/** What the facts mean, and what to do. */
export function assess(facts: DoctorFacts): Check[] {
  return [
    assessNode(facts.nodeVersion),
    assessConfig(facts),
    assessStateFolder(facts.stateFolder),
    ...assessEnvironment(facts.env),
    assessAgent(facts),
    ...assessMetrics(facts),
    ...assessRedis(facts.redis),
    ...assessAgents(facts),
    ...assessScheduler(facts),
    ...assessQueues(facts),
    ...assessJobs(facts.stuckJobs, facts.queues ?? []),
    ...assessStreams(facts),
  ];
}

function assessNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [minMajor, minMinor] = MIN_NODE;
  if (major > minMajor || (major === minMajor && minor >= minMinor)) {
    return ok('node', `Node ${version}.`);
  }
  return failure(
    'node',
    `Node ${version} is too old.`,
    `Install Node ${MIN_NODE.join('.')} or later.`,
  );
}

function assessConfig({ config }: DoctorFacts): Check {
  if (config.error !== null) return failure('config', config.error.message, config.error.remedy);
  if (config.file === null) {
    return warning(
      'config',
      `There is no interlock.config.json in ${config.folder}.`,
      'Add one with your jobs, or name the right folder with --workspace DIR.',
    );
  }
  const types = config.jobTypes === 1 ? '1 job type' : `${config.jobTypes} job types`;
  return ok('config', `${config.file} is good, with ${types}.`);
}

function assessStateFolder(folder: StateFolderFacts): Check {
  const name = 'state folder';
  if (!folder.exists) return ok(name, `${folder.path} will be made when an agent starts.`);
  if (!folder.writable) {
    return failure(
      name,
      `${folder.path} can not be written to.`,
      'Give it to your user, or use --state-dir DIR.',
    );
  }
  if (folder.mode !== null && (folder.mode & OTHERS_MAY) !== 0) {
    const mode = (folder.mode & 0o777).toString(8);
    return failure(
      name,
      `${folder.path} is open to other users (mode ${mode}): they could talk to the agent.`,
      `Run: chmod 700 ${folder.path}`,
    );
  }
  return ok(name, `${folder.path} is yours alone.`);
}

function assessAgent({ agent }: DoctorFacts): Check {
  switch (agent.state) {
    case 'running': {
      if (agent.configTrouble !== null) {
        return warning(
          'agent',
          `Process ${agent.pid} runs with an older config than the one on disk: ${agent.configTrouble}`,
          'Correct the config, or run "interlock restart".',
        );
      }
      return ok(
        'agent',
        `Process ${agent.pid} answers, role ${agent.role}, version ${agent.version}.`,
      );
    }
    case 'none':
      return warning(
        'agent',
        'No agent runs: no job is run and no stream is read.',
        'Run "interlock start".',
      );
    case 'troubled':
      return failure(
        'agent',
        `Process ${agent.pid} lives and is of no use: ${agent.trouble.message}`,
        agent.trouble.remedy ?? 'Run "interlock restart".',
      );
  }
}

function assessMetrics({ agent }: DoctorFacts): Check[] {
  if (agent.state !== 'running' || agent.metricsTrouble === null) return [];
  return [
    failure(
      'metrics',
      `They can not be scraped: ${agent.metricsTrouble}`,
      'Set another port: "metrics.port" in the config, or INTERLOCK_METRICS_PORT.',
    ),
  ];
}

function assessScheduler({ schedulerLocks, declared, agent }: DoctorFacts): Check[] {
  const name = 'scheduler';
  if (schedulerLocks === null) return [];
  const [lock, second] = schedulerLocks;
  if (second !== undefined) {
    const names = schedulerLocks.map(lockText).join('; ');
    return [
      failure(name, `There is more than one scheduler lock: ${names}.`, 'Stop all agents but one.'),
    ];
  }
  if (lock === undefined) {
    if (declared.schedules === 0)
      return [ok(name, 'No schedule is declared, so no scheduler is needed.')];
    const message = 'Nobody holds the scheduler lock: no schedule is looked at.';
    const remedy =
      agent.state === 'running'
        ? 'Look again in a moment; then read agent.log.'
        : 'Run "interlock start".';
    return [warning(name, message, remedy)];
  }
  if (lock.state === 'held') return [ok(name, `One scheduler: ${lockText(lock)}.`)];
  return [
    warning(
      name,
      `The holder of the scheduler lock is gone: ${lockText(lock)}.`,
      'Another scheduler takes it over; if none runs, "interlock start".',
    ),
  ];
}

function lockText(lock: LockRow): string {
  const holder = lock.holder === null ? 'nobody known' : `${lock.holder.host}:${lock.holder.pid}`;
  return `${lock.name} held by ${holder} for ${formatDuration(lock.ageMs ?? 0)}, fence ${lock.fence ?? '-'}`;
}

function assessQueues({ queues, agent }: DoctorFacts): Check[] {
  if (queues === null) return [];
  return [assessWorkers(queues, agent.state === 'running'), assessFailed(queues)];
}

function assessWorkers(queues: QueueFacts[], agentRuns: boolean): Check {
  const unknown = queues.filter((queue) => queue.pending > 0 && queue.workers === null);
  const idle = queues.filter((queue) => queue.pending > 0 && queue.workers === 0);
  if (idle.length > 0) {
    const list = idle.map((queue) => `${queue.name} (${queue.pending} jobs)`).join(', ');
    const message = `Nobody works on ${list}.`;
    if (!idle.some(({ declared }) => declared)) {
      const remedy = 'The config does not name it: start the program whose queue it is.';
      return warning('workers', message, remedy);
    }
    return agentRuns
      ? failure(
          'workers',
          message,
          'Read agent.log, and check that a job type of the config uses that queue.',
        )
      : warning('workers', message, 'Run "interlock start".');
  }
  if (unknown.length > 0) {
    const names = unknown.map((queue) => queue.name).join(', ');
    return warning(
      'workers',
      `Redis does not tell who works on ${names}.`,
      'Allow CLIENT LIST to this user.',
    );
  }
  return ok('workers', 'Every queue with jobs has a worker.');
}

function assessFailed(queues: QueueFacts[]): Check {
  const failed = queues.filter((queue) => queue.failed > 0);
  if (failed.length === 0) return ok('failed jobs', 'None.');
  return warning(
    'failed jobs',
    failed.map((queue) => `${queue.failed} in ${queue.name}`).join(', '),
    'See why with "interlock jobs --state failed"; then "interlock requeue ID" or --all-failed.',
  );
}

/** Live, or not meant to be. */
const FINE_STATES: ReadonlySet<ConnectionState> = new Set(['live', 'closed', 'sleeping']);

function assessStreams({ streams }: DoctorFacts): Check[] {
  if (streams === null || streams.length === 0) return [];
  const name = 'streams';
  const connections = streams.flatMap((stream) =>
    stream.connections.map((connection) => ({ stream: stream.name, ...connection })),
  );
  const because = (which: typeof connections) =>
    which
      .map((row) => `${row.stream}: ${row.trouble ?? row.state.replaceAll('_', ' ')}`)
      .join('; ');
  const suspended = connections.filter((row) => row.state === 'suspended');
  if (suspended.length > 0) {
    const names = [...new Set(suspended.map((row) => row.stream))].join(' ');
    return [
      failure(
        name,
        `Given up: ${because(suspended)}.`,
        `Correct the cause, then: interlock streams resume ${names}`,
      ),
    ];
  }
  const down = connections.filter(({ state }) => !FINE_STATES.has(state));
  if (down.length > 0)
    return [warning(name, `Not live: ${because(down)}.`, 'It connects again by itself.')];
  return [
    ok(name, `${connections.filter((row) => row.state === 'live').length} connections are live.`),
  ];
}
