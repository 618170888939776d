import type { Config } from '../config/schema.ts';
import type { EndedRun } from '../history/runEntry.ts';
import type { Decision } from '../protocol/decision.ts';
import type { AgeAlert, LockKind } from '../protocol/model.ts';
import { MetricSet } from './metricSet.ts';

/** In place of a name that the config does not have: its number would have no bound. */
const NOT_DECLARED = '';

/** Counts what happens in this agent, at the moment when it happens. */
export class EventFigures {
  readonly set = new MetricSet();

  constructor(private readonly config: Pick<Config, 'jobs' | 'streams'>) {}

  decided({ action, subject, outcome, reason }: Decision): void {
    const type = this.typeOf(subject);
    this.set.add('interlock_decisions_total', [action, type, outcome, reason]);
    if (action === 'reap' && outcome === 'accepted')
      this.set.add('interlock_orphans_removed_total');
    if (action !== 'takeover' || outcome !== 'accepted') return;
    this.set.add('interlock_takeovers_total', [this.kindOf(subject), reason]);
  }

  runEnded({ type, status, startedAtMs, endedAtMs }: EndedRun): void {
    const jobType = this.typeOf(type);
    this.set.add('interlock_runs_total', [jobType, status]);
    if (status !== 'completed' && status !== 'failed') return;
    const seconds = Math.max(0, endedAtMs - startedAtMs) / 1_000;
    this.set.observe('interlock_run_duration_seconds', [jobType], seconds);
  }

  alerted({ kind, level }: AgeAlert): void {
    this.set.add('interlock_age_alerts_total', [kind, level]);
  }

  delivered(result: 'delivered' | 'failed' | 'dropped'): void {
    this.set.add('interlock_webhook_deliveries_total', [result]);
  }

  private typeOf(name: string): string {
    return Object.hasOwn(this.config.jobs, name) ? name : NOT_DECLARED;
  }

  /** What a takeover was about: its subject is a job type, a stream, or the scheduler's lock. */
  private kindOf(subject: string): 'job' | Extract<LockKind, 'stream' | 'scheduler'> {
    if (Object.hasOwn(this.config.streams, subject)) return 'stream';
    return subject.startsWith('scheduler:') ? 'scheduler' : 'job';
  }
}
