import { createHash } from 'node:crypto';
import { fullJitterDelayMs, type BackoffPolicy } from '../common/backoff.ts';
import { sleep, type Clock } from '../common/clock.ts';
import { formatDuration } from '../common/duration.ts';
import { messageOf } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import type { WebhookConfig } from '../config/schema.ts';
import type { Logger } from '../logging.ts';
import type { AgeAlert } from '../protocol/model.ts';
import type { AlertClaims } from './alertClaims.ts';

const RETRY_BACKOFF: BackoffPolicy = { baseMs: 1_000, maxMs: 60_000 };
/** More alerts than that wait for a slow receiver: the newest are dropped. */
const MOST_WAITING = 100;
/** That it was asked for too much, or too long: it may do it later. */
const MAY_WORK_LATER: ReadonlySet<number> = new Set([408, 425, 429]);
const ID_LENGTH = 24;

export type DeliveryResult = 'delivered' | 'failed' | 'dropped';

export interface AlertWebhookOptions {
  webhook: WebhookConfig;
  /** Who tells. */
  agent: { agentId: string; host: string; role: string };
  claims: Pick<AlertClaims, 'claim' | 'giveBack'>;
  clock: Clock;
  random: Random;
  logger: Logger;
  onResult?: ((result: DeliveryResult) => void) | undefined;
}

/** Posts alerts to a URL, one after the other. Whatever its receiver does, nobody waits for it. */
export class AlertWebhook {
  private readonly closing = new AbortController();
  private readonly waiting: AgeAlert[] = [];
  private work: Promise<void> | undefined;
  /** Whether the log has it that nothing gets through. */
  private toldFailing = false;

  constructor(private readonly options: AlertWebhookOptions) {}

  /** Returns at once. */
  send(alert: AgeAlert): void {
    if (this.closing.signal.aborted) return;
    if (this.waiting.length >= MOST_WAITING) {
      this.failed('dropped', `more than ${MOST_WAITING} alerts wait for it`);
      return;
    }
    this.waiting.push(alert);
    this.work ??= this.sendAll().finally(() => (this.work = undefined));
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    this.waiting.length = 0;
    this.closing.abort();
    await this.work;
  }

  private async sendAll(): Promise<void> {
    for (let alert = this.waiting.shift(); alert !== undefined; alert = this.waiting.shift()) {
      await this.sendOne(alert);
    }
  }

  private async sendOne(alert: AgeAlert): Promise<void> {
    const { claims, logger, webhook, onResult } = this.options;
    const id = alertId(alert);
    // With Redis away it is told rather twice than never.
    if (!(await claims.claim(id).catch(() => true))) return;
    const trouble = await this.deliver(this.bodyOf(id, alert));
    if (trouble === null) {
      if (this.toldFailing) logger.info({ to: hostOf(webhook.url) }, 'the webhook works again');
      this.toldFailing = false;
      onResult?.('delivered');
      return;
    }
    await claims.giveBack(id).catch(() => undefined);
    this.failed('failed', trouble);
  }

  /** @returns why it could not be delivered; null when it was */
  private async deliver(body: string): Promise<string | null> {
    const { webhook, clock, random } = this.options;
    for (let failures = 0; ; failures += 1) {
      const { trouble, isFinal } = await this.post(body);
      if (trouble === null || isFinal || failures >= webhook.maxRetries) return trouble;
      const { signal } = this.closing;
      await sleep(clock, fullJitterDelayMs(RETRY_BACKOFF, failures, random), signal);
      if (signal.aborted) return 'the agent leaves';
    }
  }

  private async post(body: string): Promise<{ trouble: string | null; isFinal: boolean }> {
    const { webhook, clock } = this.options;
    const late = new AbortController();
    const timer = clock.setTimeout(() => late.abort(), webhook.timeout);
    try {
      const response = await fetch(webhook.url, {
        ...{ method: 'POST', body, redirect: 'manual' },
        headers: { 'content-type': 'application/json', ...webhook.headers },
        signal: AbortSignal.any([late.signal, this.closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return { trouble: null, isFinal: true };
      const { status } = response;
      const isFinal = status < 500 && !MAY_WORK_LATER.has(status);
      return { trouble: `it answers with status ${status}`, isFinal };
    } catch (error) {
      if (late.signal.aborted) {
        const trouble = `it did not answer within ${formatDuration(webhook.timeout)}`;
        return { trouble, isFinal: false };
      }
      return { trouble: causeOf(error), isFinal: this.closing.signal.aborted };
    } finally {
      timer.cancel();
    }
  }

  /** `text` is what chat services show. */
  private bodyOf(id: string, alert: AgeAlert): string {
    const { agent, clock } = this.options;
    const { kind, key, name, level, since } = alert;
    const ageMs = Math.max(0, clock.now() - Date.parse(since));
    const what = kind === 'job' ? 'runs' : 'is held';
    const text = `${level}: ${kind} ${name} ${what} for ${formatDuration(ageMs)}`;
    return JSON.stringify({
      ...{ event: 'age_alert', id, kind, key, name, level, since, ageMs, text },
      agent: { agentId: agent.agentId, host: agent.host, role: agent.role },
    });
  }

  /** Once, until something gets through again: an alert is in the log by itself. */
  private failed(result: DeliveryResult, why: string): void {
    const { logger, webhook, onResult } = this.options;
    onResult?.(result);
    if (this.toldFailing || this.closing.signal.aborted) return;
    this.toldFailing = true;
    logger.warn(
      { to: hostOf(webhook.url), why },
      'the webhook does not take alerts; check "alerts.webhook" and its receiver',
    );
  }
}

/** The same for every agent that sees it, so that receivers know what they have. */
function alertId({ kind, key, level, since }: AgeAlert): string {
  const facts = JSON.stringify([kind, key, level, since]);
  return createHash('sha256').update(facts).digest('hex').slice(0, ID_LENGTH);
}

/** Paths of webhooks are secrets. */
function hostOf(url: string): string {
  return new URL(url).host;
}

/** `fetch` hides what went wrong behind "fetch failed". Without a cause it may quote a header. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? 'the request can not be made' : messageOf(cause);
}
