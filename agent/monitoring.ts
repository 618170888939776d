import type { Clock } from './common/clock.ts';
import type { Random } from './common/random.ts';
import type { Config } from './config/schema.ts';
import type { AgeWatch } from './feed/ageWatch.ts';
import { AlertClaims } from './feed/alertClaims.ts';
import { AlertWebhook } from './feed/alertWebhook.ts';
import type { EndedRun } from './history/runEntry.ts';
import type { Logger } from './logging.ts';
import { AgentMetrics, type MetricSources } from './metrics/agentMetrics.ts';
import { EventFigures } from './metrics/eventFigures.ts';
import { MetricsServer } from './metrics/metricsServer.ts';
import type { Decision, Holder } from './protocol/decision.ts';
import type { MetricsStatus } from './protocol/model.ts';
import type { Keys } from './redis/keys.ts';
import type { RedisClient } from './redis/redisClient.ts';
import { VERSION } from './version.ts';

export interface MonitoringOptions {
  config: Config;
  redis: RedisClient;
  keys: Keys;
  holder: Holder;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** What tells monitoring systems of this agent: metrics and the webhook. What is off does not exist. */
export class Monitoring {
  private readonly events: EventFigures | undefined;
  private server: MetricsServer | undefined;
  private webhook: AlertWebhook | undefined;

  constructor(private readonly options: MonitoringOptions) {
    const { config } = options;
    this.events = config.metrics === undefined ? undefined : new EventFigures(config);
  }

  /** undefined: metrics are off. */
  get status(): MetricsStatus | undefined {
    return this.server?.status;
  }

  decided(decision: Decision): void {
    this.events?.decided(decision);
  }

  runEnded(run: EndedRun): void {
    this.events?.runEnded(run);
  }

  /** Before `ages` takes its first look. Never rejects: an agent works without being watched. */
  async start(ages: Pick<AgeWatch, 'onAlert'>, sources: Omit<MetricSources, 'events'>) {
    this.startWebhook(ages);
    await this.startMetrics(ages, sources);
  }

  async close(): Promise<void> {
    await Promise.all([this.server?.close(), this.webhook?.close()]);
  }

  private startWebhook(ages: Pick<AgeWatch, 'onAlert'>): void {
    const { config, redis, keys, holder, clock, random, logger } = this.options;
    const { webhook } = config.alerts;
    if (webhook === undefined) return;
    const sender = new AlertWebhook({
      ...{ webhook, agent: holder, clock, random, logger },
      claims: new AlertClaims(redis, keys, holder.agentId),
      onResult: (result) => this.events?.delivered(result),
    });
    this.webhook = sender;
    ages.onAlert((alert) => sender.send(alert));
  }

  private async startMetrics(
    ages: Pick<AgeWatch, 'onAlert'>,
    sources: Omit<MetricSources, 'events'>,
  ): Promise<void> {
    const { events } = this;
    const { config, holder, clock, logger } = this.options;
    if (config.metrics === undefined || events === undefined) return;
    ages.onAlert((alert) => events.alerted(alert));
    const { agentId, host, role } = holder;
    const metrics = new AgentMetrics({
      ...{ sources: { ...sources, events }, clock, logger },
      agent: { agentId, host, role, version: VERSION },
    });
    this.server = new MetricsServer({
      ...{ ...config.metrics, clock, logger, text: () => metrics.text() },
    });
    await this.server.start();
  }
}
