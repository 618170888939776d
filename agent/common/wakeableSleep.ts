import { sleep, type Clock } from './clock.ts';

/** A pause of a loop that others can cut short. */
export class WakeableSleep {
  private current: AbortController | undefined;
  private woken = false;

  constructor(private readonly clock: Clock) {}

  /** Resolves after `ms`, or when it is woken; at once when that was since the last pause. */
  async sleep(ms: number): Promise<void> {
    if (!this.woken) {
      this.current = new AbortController();
      await sleep(this.clock, ms, this.current.signal);
      this.current = undefined;
    }
    this.woken = false;
  }

  wake(): void {
    this.woken = true;
    this.current?.abort();
  }
}
