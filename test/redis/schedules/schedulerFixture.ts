import assert from 'node:assert/strict';
import { systemClock, type Clock } from '../../../agent/common/clock.ts';
import type { Leases } from '../../../agent/leases/lease.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { Scheduler } from '../../../agent/schedules/scheduler.ts';
import { eventually } from '../../harness/eventually.ts';
import { makeCore, SILENT, type Core, type CoreOptions, type CoreRedis } from '../leases/core.ts';

/** Schedulers of one Redis, each with connections of its own, as in agents. */
export class SchedulerBench {
  private readonly running: Scheduler[] = [];

  constructor(private readonly server: CoreRedis) {}

  core(schedules: object, more: object = {}, options: CoreOptions = {}): Core {
    const config = {
      ...{ jobs: { tick: { handler: 'x' } }, schedules },
      ...{ scheduler: { lockTtl: 1_000, cycle: 200 }, ...more },
    };
    return makeCore(this.server, { ...options, config });
  }

  open(core: Core, clock: Clock = systemClock, leases: Leases = core.leases): Scheduler {
    const { config, redis, scripts, keys, enqueuer, decisions, holder } = core;
    const scheduler = new Scheduler({
      ...{ config, redis, scripts, keys, leases, enqueuing: enqueuer, decisions, clock },
      ...{ logger: SILENT, holder },
    });
    this.running.push(scheduler);
    return scheduler;
  }

  start(core: Core, clock?: Clock, leases?: Leases): Scheduler {
    const scheduler = this.open(core, clock, leases);
    scheduler.start();
    return scheduler;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.splice(0).map((scheduler) => scheduler.close()));
  }
}

/** Ids of all jobs, sorted. */
export async function jobIds(core: Core): Promise<string[]> {
  const rows = await core.reader.list({ limit: 1_000, offset: 0 });
  return rows.map(({ id }) => id).sort();
}

/** Waits for at least so many jobs. */
export function jobsOf(core: Core, count: number): Promise<string[]> {
  return eventually(`${count} jobs`, async () => {
    const ids = await jobIds(core);
    return ids.length >= count && ids;
  });
}

/** The times of slots, of jobs of one schedule. */
export function slotTimes(ids: readonly string[]): number[] {
  return ids.map((id) => Number(id.slice(id.lastIndexOf('-') + 1))).sort((a, b) => a - b);
}

/** `skipped slot_missed 3`: the decisions that are filed under a schedule's name. */
export async function toldOf(core: Core, schedule: string): Promise<string[]> {
  return (await core.recorded())
    .filter(({ subject }) => subject === schedule)
    .map(({ outcome, reason, slots, remedy }: Decision) => {
      assert.ok(outcome === 'accepted' || remedy !== null, `${reason} says what there is to do`);
      return [outcome, reason, slots?.count].filter((part) => part !== undefined).join(' ');
    });
}
