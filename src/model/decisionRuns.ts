import type { Decision } from '../../agent/protocol/decision.ts';

/** The same answer to the same question, several times in a row, newest first. */
export interface DecisionRun {
  id: string;
  decisions: readonly Decision[];
}

/** Two of a kind are two rows; more are one that can be opened. */
const LEAST_IN_RUN = 3;

/**
 * Puts decisions that say the same in a row together, so that 400 equal refusals are one row. It
 * remembers its runs: one keeps its id while newer ones join and older ones leave.
 */
export class DecisionRuns {
  private runByDecision = new Map<string, string>();

  /** @param decisions newest first */
  of(decisions: readonly Decision[]): (Decision | DecisionRun)[] {
    const taken = new Set<string>();
    const next = new Map<string, string>();
    const rows = inRows(decisions).flatMap((row): (Decision | DecisionRun)[] => {
      if (row.length < LEAST_IN_RUN) return row;
      const id = this.idOf(row, taken);
      taken.add(id);
      for (const decision of row) next.set(decision.id, id);
      return [{ id, decisions: row }];
    });
    this.runByDecision = next;
    return rows;
  }

  private idOf(row: readonly Decision[], taken: ReadonlySet<string>): string {
    for (const { id } of row) {
      const known = this.runByDecision.get(id);
      if (known !== undefined && !taken.has(known)) return known;
    }
    let id = `run-${row.at(-1)?.id ?? ''}`;
    while (taken.has(id)) id += '+';
    return id;
  }
}

export function isRun(row: Decision | DecisionRun): row is DecisionRun {
  return 'decisions' in row;
}

function inRows(decisions: readonly Decision[]): Decision[][] {
  const rows: Decision[][] = [];
  for (const decision of decisions) {
    const row = rows.at(-1);
    if (row?.[0] !== undefined && answerOf(row[0]) === answerOf(decision)) row.push(decision);
    else rows.push([decision]);
  }
  return rows;
}

function answerOf({ action, subject, key, outcome, reason }: Decision): string {
  return JSON.stringify([action, subject, key, outcome, reason]);
}
