import type { Clock } from '../../agent/common/clock.ts';

/**
 * The agent's clock as seen from here, so that ages tick without asking. A row is always a little
 * old when it arrives, so the largest difference that was seen is the truest one.
 */
export class AgentTime {
  private offsetMs: number | undefined;

  constructor(private readonly clock: Clock) {}

  /** @param agentNow the `now` of an agent row that has just come */
  observe(agentNow: string): void {
    const agentMs = Date.parse(agentNow);
    if (Number.isNaN(agentMs)) return;
    const offsetMs = agentMs - this.clock.now();
    if (this.offsetMs === undefined || offsetMs > this.offsetMs) this.offsetMs = offsetMs;
  }

  /** A new agent may run on another clock. */
  reset(): void {
    this.offsetMs = undefined;
  }

  /** Milliseconds since the epoch by the agent's clock. */
  now(): number {
    return this.clock.now() + (this.offsetMs ?? 0);
  }
}
