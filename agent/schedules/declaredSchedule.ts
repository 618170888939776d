import { InterlockError } from '../common/errors.ts';
import type { Config, ScheduleConfig } from '../config/schema.ts';
import type { ScheduleState } from './scheduleState.ts';
import { DEFAULT_CATCH_UP_LIMIT, type SlotSituation } from './slotPlan.ts';
import { ruleOf, slotsOf, type Slots } from './slots.ts';

/** A schedule of the config, with its slots, which are costly to make. */
export class DeclaredSchedule {
  readonly rule: string;
  private readonly fixedSlots: Slots | undefined;

  constructor(
    readonly name: string,
    readonly config: ScheduleConfig,
  ) {
    this.rule = ruleOf(config);
    this.fixedSlots = typeof config.every === 'object' ? undefined : slotsOf(config);
  }

  /** Bounds of a dynamic interval; undefined: it has none. */
  get bounds(): { min: number; max: number } | undefined {
    return typeof this.config.every === 'object' ? this.config.every : undefined;
  }

  get missed(): SlotSituation['missed'] {
    return this.config.missed ?? 'run-once';
  }

  /** The interval of now, in ms; undefined: it is fixed. */
  intervalOf(state: ScheduleState): number | undefined {
    return this.bounds && (state.interval ?? this.bounds.min);
  }

  /** @param boundIsKept what was missed is known to be within `catchUpLimit` */
  situation(state: ScheduleState, boundIsKept = false): SlotSituation {
    const limit = this.config.catchUpLimit ?? DEFAULT_CATCH_UP_LIMIT;
    return {
      ...{ missed: this.missed, rule: this.rule, state, slots: this.slots(state) },
      catchUpLimit: boundIsKept ? Infinity : limit,
    };
  }

  private slots(state: ScheduleState): Slots {
    if (this.fixedSlots !== undefined) return this.fixedSlots;
    const interval = this.intervalOf(state);
    const { slot, rule } = state;
    if (slot === undefined || interval === undefined || rule !== this.rule) {
      return slotsOf(this.config);
    }
    return slotsOf(this.config, { slot, interval });
  }
}

export function declaredSchedules(config: Config): Map<string, DeclaredSchedule> {
  return new Map(
    Object.entries(config.schedules).map(([name, schedule]) => [
      name,
      new DeclaredSchedule(name, schedule),
    ]),
  );
}

/** @throws InterlockError `not_found` */
export function requireSchedule(
  schedules: ReadonlyMap<string, DeclaredSchedule>,
  name: string,
): DeclaredSchedule {
  const schedule = schedules.get(name);
  if (schedule !== undefined) return schedule;
  const known = [...schedules.keys()].join(', ') || 'none is declared';
  throw new InterlockError({
    code: 'not_found',
    message: `There is no schedule "${name}".`,
    remedy: `Use one of: ${known}. Those of other BullMQ programs are only shown.`,
  });
}
