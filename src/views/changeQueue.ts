import type { Clock, Timer } from '../../agent/common/clock.ts';

/** Long enough to gather a burst, short enough to feel at once. */
const GATHER_MS = 100;

/** `now`: as soon as the burst is gathered. `calm`: also not more often than the node's interval. */
export type Urgency = 'now' | 'calm';

/** Gathers nodes that changed and fires each once; `undefined` stands for the whole tree. */
export class ChangeQueue<Node extends object> {
  private readonly pending = new Set<Node | undefined>();
  private readonly firedAtMs = new Map<Node | undefined, number>();
  private timer: { dueMs: number; timer: Timer } | undefined;

  /** @param calmMs the least time between two redrawings of a node */
  constructor(
    private readonly clock: Clock,
    private readonly calmMs: (node: Node | undefined) => number,
    private readonly fire: (changed: Node[] | undefined) => void,
  ) {}

  add(node: Node | undefined, urgency: Urgency): void {
    this.pending.add(node);
    const nowMs = this.clock.monotonic();
    if (urgency === 'now') this.firedAtMs.delete(node);
    this.wakeAt(Math.max(nowMs + GATHER_MS, this.allowedAtMs(node)));
  }

  /** Drops what waits: nobody looks. */
  clear(): void {
    this.pending.clear();
    this.firedAtMs.clear();
    this.timer?.timer.cancel();
    this.timer = undefined;
  }

  private allowedAtMs(node: Node | undefined): number {
    const firedAtMs = this.firedAtMs.get(node);
    return firedAtMs === undefined ? 0 : firedAtMs + this.calmMs(node);
  }

  private wakeAt(dueMs: number): void {
    if (this.timer !== undefined && this.timer.dueMs <= dueMs) return;
    this.timer?.timer.cancel();
    const delayMs = Math.max(0, dueMs - this.clock.monotonic());
    this.timer = { dueMs, timer: this.clock.setTimeout(() => this.flush(), delayMs) };
  }

  private flush(): void {
    this.timer = undefined;
    const nowMs = this.clock.monotonic();
    // Timers may fire a little early; what is nearly due is due.
    const due = [...this.pending].filter((node) => this.allowedAtMs(node) <= nowMs + 5);
    for (const node of due) {
      this.pending.delete(node);
      this.firedAtMs.set(node, nowMs);
    }
    for (const [node, firedAtMs] of this.firedAtMs) {
      if (firedAtMs + this.calmMs(node) < nowMs) this.firedAtMs.delete(node);
    }
    const rest = [...this.pending].map((node) => this.allowedAtMs(node));
    if (rest.length > 0) this.wakeAt(Math.min(...rest));
    if (due.length > 0) this.emit(due);
  }

  private emit(due: (Node | undefined)[]): void {
    const nodes = due.filter((node) => node !== undefined);
    // The whole tree contains every node.
    this.fire(nodes.length < due.length ? undefined : nodes);
  }
}
