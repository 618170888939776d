import type { Clock } from '../../common/clock.ts';

/**
 * The time, read once per turn of the event loop. Reading a clock for each of 100,000 messages per
 * second costs some per cent of a core; what is read in one turn arrived at about one time.
 */
export class TurnTime {
  /** Wall clock, milliseconds since the epoch, as of the last `read`. */
  nowMs = 0;
  /** As `Clock.monotonic`, as of the last `read`. */
  monotonicMs = 0;
  private isCurrent = false;
  private readonly expire = () => {
    this.isCurrent = false;
  };

  /** @param atEndOfTurn calls back when the turn is over */
  constructor(
    private readonly clock: Clock,
    private readonly atEndOfTurn: (callback: () => void) => void = (callback) =>
      void setImmediate(callback),
  ) {}

  /** Sets the fields above to the time of this turn. */
  read(): void {
    if (this.isCurrent) return;
    this.isCurrent = true;
    this.nowMs = this.clock.now();
    this.monotonicMs = this.clock.monotonic();
    this.atEndOfTurn(this.expire);
  }
}
