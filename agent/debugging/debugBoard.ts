import * as z from 'zod';
import { debugRow, type DebugRow } from '../protocol/debug.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';

const rows = z.array(debugRow).catch([]);

/** What is debugged on this Redis: here, and in other agents, as they told it last. */
export class DebugBoard {
  private own: readonly DebugRow[] = [];
  private others: readonly { agentId: string; rows: readonly DebugRow[] }[] = [];

  constructor(private readonly selfId: string) {}

  setOwn(own: readonly DebugRow[]): void {
    this.own = own;
  }

  /** What the registry of agents says now. */
  update(entries: readonly AgentEntry[]): void {
    this.others = entries
      .filter(({ agentId, holder }) => agentId !== this.selfId && holder?.alive !== false)
      .map(({ agentId, debugs }) => ({ agentId, rows: rows.parse(debugs) }));
  }

  rows(): DebugRow[] {
    return [...this.own, ...this.others.flatMap((one) => one.rows)];
  }

  /** The agent that waits for the next job of a type. */
  armedFor(type: string): string | undefined {
    const isArmed = (row: DebugRow) => row.state === 'armed' && row.type === type;
    if (this.own.some(isArmed)) return this.selfId;
    return this.others.find((one) => one.rows.some(isArmed))?.agentId;
  }

  /** Whether a run is under a debugger: a person takes the time that a person takes. */
  isDebugged(job: { queue: string; id: string } | null): boolean {
    if (job === null) return false;
    return this.rows().some(
      (row) =>
        row.job?.id === job.id &&
        row.job.queue === job.queue &&
        row.state !== 'undebugged' &&
        row.state !== 'ended',
    );
  }
}
