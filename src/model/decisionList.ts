import type { AgentClient } from '../../agent/protocol/agentClient.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { Decision, DecisionOutcome } from '../../agent/protocol/decision.ts';
import { Pages, type PageSource } from './pages.ts';
import { newestDecisions } from './selectors.ts';
import type { Store, StoreChanges } from './store.ts';

/** Which decisions are shown; what is left out does not matter. */
export interface DecisionFilter {
  subject?: string;
  key?: string;
  outcome?: DecisionOutcome;
}

const PAGE_SIZE = 200;
const GROUP = 'shown';
const MOST_KEPT = 1_000;
const COUNT_SLACK = 100;

/** The decisions that are shown: those that the agent sends and those that were loaded, filtered. */
export class DecisionList implements PageSource {
  private readonly pages = new Pages<Decision>(({ id }) => id);
  private shownBy: DecisionFilter = {};
  /** How many older ones the agent had when it was asked last. */
  private older: number | undefined;

  constructor(private readonly store: Store) {}

  get filter(): DecisionFilter {
    return this.shownBy;
  }

  get isFiltered(): boolean {
    return Object.keys(this.shownBy).length > 0;
  }

  /** The rows that were loaded for another filter are forgotten: what lies between them is not known. */
  setFilter(filter: DecisionFilter): void {
    this.shownBy = filter;
    this.clear();
  }

  find(id: string): Decision | undefined {
    return this.store.rows('decisions').get(id) ?? this.pages.find(id);
  }

  /** Newest first. */
  rows(): Decision[] {
    const rows = new Map<string, Decision>(this.pages.rows(GROUP));
    for (const [id, row] of this.store.rows('decisions')) {
      if (matches(row, this.shownBy)) rows.set(id, row);
    }
    return newestDecisions(rows);
  }

  get remaining(): number {
    if (this.older !== undefined) return this.older;
    // With a filter nobody knows how many match before the agent was asked.
    if (this.isFiltered) return 0;
    return Math.max(0, (this.store.agent?.totals.decisions ?? 0) - this.rows().length);
  }

  async load(client: AgentClient): Promise<void> {
    const filter = this.shownBy;
    const offset = this.rows().length;
    const answer = await client.request(requests.decisions, {
      ...filter,
      offset,
      limit: PAGE_SIZE,
    });
    if (filter !== this.shownBy) return;
    this.pages.add(GROUP, answer.rows);
    this.older = Math.max(0, answer.total - offset - answer.rows.length);
  }

  /**
   * To be told of all changes: what the agent no longer sends because newer ones came is kept here,
   * so that no row goes away while someone reads it. The list never has a hole.
   */
  onRows(changes: StoreChanges): void {
    const all = [...changes.decisions.values()];
    const removed = all.filter(({ after }) => after === undefined);
    const added = all.filter(({ before }) => before === undefined);
    // Not one of those before is among those of now: what came in between nobody has seen.
    const hasGap = removed.length > 0 && this.store.rows('decisions').size === added.length;
    if (hasGap) this.clear();
    for (const { before } of hasGap ? [] : removed) {
      if (before !== undefined && matches(before, this.shownBy)) this.pages.add(GROUP, [before]);
    }
    const shown = this.rows();
    const total = this.store.agent?.totals.decisions ?? 0;
    // A Redis that was emptied: what is kept is of another life. The two counts are told a little apart.
    if (!this.isFiltered && shown.length > total + COUNT_SLACK) this.clear();
    // Who never asked for older ones gets no more of them than a long look needs.
    else if (this.older === undefined) {
      for (const { id } of shown.slice(MOST_KEPT)) this.pages.drop(id);
    }
  }

  clear(): void {
    this.pages.clear();
    this.older = undefined;
  }
}

function matches(decision: Decision, filter: DecisionFilter): boolean {
  return (
    (filter.subject === undefined || decision.subject === filter.subject) &&
    (filter.key === undefined || decision.key === filter.key) &&
    (filter.outcome === undefined || decision.outcome === filter.outcome)
  );
}
