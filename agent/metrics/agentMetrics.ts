import { sleep, type Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { AgeAlert } from '../protocol/model.ts';
import type { EventFigures } from './eventFigures.ts';
import { MetricSet } from './metricSet.ts';
import { metricText } from './metricText.ts';
import { addAlerts, stateFigures, type StateReading } from './stateFigures.ts';

/** However often and by how many it is asked for, Redis is read that often at most. */
const MIN_READ_INTERVAL_MS = 2_000;
/** With very many locks, reading them takes at most that share of the time. */
const READING_SHARE = 0.1;
/** Who scrapes an agent whose Redis hangs still gets what needs no Redis. */
const READ_DEADLINE_MS = 3_000;

/** Where an agent's figures come from. */
export interface MetricSources {
  events: EventFigures;
  /** What stands in Redis. May reject, and may take long. */
  read(): Promise<StateReading>;
  runsInProgress(): number;
  alerts(): readonly AgeAlert[];
  isRedisUp(): boolean;
}

export interface AgentMetricsOptions {
  sources: MetricSources;
  agent: { agentId: string; host: string; role: string; version: string };
  clock: Clock;
  logger: Logger;
}

/** The figures of one agent, as text. Reads Redis seldom, whoever asks how often. */
export class AgentMetrics {
  private readonly own = new MetricSet();
  private readonly startedAtSeconds: number;
  private state = new MetricSet();
  private reading: Promise<void> | undefined;
  private readAgainAt = -Infinity;

  constructor(private readonly options: AgentMetricsOptions) {
    this.startedAtSeconds = options.clock.now() / 1_000 - process.uptime();
    this.own.set('interlock_state_read_failures_total', [], 0);
  }

  /** Never rejects: with Redis away it says so, and leaves out what stands there. */
  async text(): Promise<string> {
    await this.refresh();
    this.tellOwn();
    const { events } = this.options.sources;
    return metricText([this.own, events.set, this.state]);
  }

  private async refresh(): Promise<void> {
    const { clock } = this.options;
    if (this.reading === undefined && clock.monotonic() < this.readAgainAt) return;
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    const done = new AbortController();
    const waiting = sleep(clock, READ_DEADLINE_MS, done.signal);
    const isLate = await Promise.race([this.reading.then(() => false), waiting.then(() => true)]);
    done.abort();
    // What is minutes old must not look as if it were true now.
    if (isLate) this.state = new MetricSet();
  }

  private async read(): Promise<void> {
    const { clock, logger, sources } = this.options;
    const startedAt = clock.monotonic();
    let pauseMs = MIN_READ_INTERVAL_MS;
    try {
      this.state = stateFigures(await sources.read());
      const tookMs = clock.monotonic() - startedAt;
      this.own.set('interlock_state_read_seconds', [], tookMs / 1_000);
      // What failed took long because Redis was away, and not for the work of it.
      pauseMs = Math.max(pauseMs, tookMs / READING_SHARE);
    } catch (error) {
      this.state = new MetricSet();
      this.own.add('interlock_state_read_failures_total');
      logger.debug({ why: messageOf(error) }, 'figures not read');
    }
    this.readAgainAt = startedAt + pauseMs;
  }

  private tellOwn(): void {
    const { agent, sources } = this.options;
    const { own } = this;
    own.set('interlock_agent_info', [agent.agentId, agent.host, agent.role, agent.version], 1);
    own.set('interlock_redis_up', [], sources.isRedisUp() ? 1 : 0);
    own.set('interlock_runs_in_progress', [], sources.runsInProgress());
    addAlerts(own, sources.alerts());
    const { user, system } = process.cpuUsage();
    own.set('process_cpu_seconds_total', [], (user + system) / 1_000_000);
    own.set('process_resident_memory_bytes', [], process.memoryUsage.rss());
    own.set('process_start_time_seconds', [], this.startedAtSeconds);
  }
}
