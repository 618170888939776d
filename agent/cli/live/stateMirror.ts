import { assertNever } from '../../common/assertNever.ts';
import type { StateChange, StateDelta, StateSnapshot } from '../../protocol/model.ts';

/**
 * The state after a delta.
 * @returns undefined when the delta is not the next one: ask for a new snapshot
 */
export function applyDelta(state: StateSnapshot, delta: StateDelta): StateSnapshot | undefined {
  if (delta.seq !== state.seq + 1) return undefined;
  const next: StateSnapshot = { ...state, seq: delta.seq };
  for (const change of delta.changes) applyChange(next, change);
  return next;
}

/** Replaces the changed collection: the state before stays as it was. */
function applyChange(state: StateSnapshot, change: StateChange): void {
  const { key } = change;
  switch (change.collection) {
    case 'agent':
      state.agent = withRow(state.agent, key, change.row);
      return;
    case 'queues':
      state.queues = withRow(state.queues, key, change.row);
      return;
    case 'jobs':
      state.jobs = withRow(state.jobs, key, change.row);
      return;
    case 'schedules':
      state.schedules = withRow(state.schedules, key, change.row);
      return;
    case 'streams':
      state.streams = withRow(state.streams, key, change.row);
      return;
    case 'locks':
      state.locks = withRow(state.locks, key, change.row);
      return;
    case 'decisions':
      state.decisions = withRow(state.decisions, key, change.row);
      return;
    case 'leaders':
      state.leaders = withRow(state.leaders, key, change.row);
      return;
    case 'debugs':
      state.debugs = withRow(state.debugs, key, change.row);
      return;
    default:
      assertNever(change);
  }
}

function withRow<Row>(
  rows: Record<string, Row>,
  key: string,
  row: Row | null,
): Record<string, Row> {
  if (row !== null) return { ...rows, [key]: row };
  return Object.fromEntries(Object.entries(rows).filter(([other]) => other !== key));
}
