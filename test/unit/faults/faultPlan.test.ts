import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import { FAULT_KINDS, planRound, type PlanOptions } from '../../faults/faultPlan.ts';

const OPTIONS: PlanOptions = {
  agents: 4,
  clockAgent: 3,
  keys: 6,
  roundMs: 1_200,
  leaseTtlMs: 800,
};

describe('planRound', () => {
  it('is the same for the same seed and round, and another for others', () => {
    deepEqual(planRound(7, 3, OPTIONS), planRound(7, 3, OPTIONS));
    notDeepEqual(planRound(7, 3, OPTIONS), planRound(7, 4, OPTIONS));
    notDeepEqual(planRound(7, 3, OPTIONS), planRound(8, 3, OPTIONS));
  });

  it('chooses every fault, on every agent, for longer and for shorter than a lease lives', () => {
    const faults = Array.from(
      { length: 300 },
      (_, round) => planRound(1, round, OPTIONS).faults,
    ).flat();
    deepEqual(new Set(faults.map(({ kind }) => kind)), new Set(FAULT_KINDS));
    const freezes = faults.filter(({ kind }) => kind === 'freeze');
    equal(new Set(freezes.map(({ agent }) => agent)).size, OPTIONS.agents);
    ok(freezes.some(({ forMs }) => forMs > OPTIONS.leaseTtlMs));
    ok(freezes.some(({ forMs }) => forMs < OPTIONS.leaseTtlMs));
  });

  it('moves the clock of one agent only, by minutes and both ways', () => {
    const jumps = Array.from({ length: 300 }, (_, round) => planRound(1, round, OPTIONS).faults)
      .flat()
      .filter(({ kind }) => kind === 'clock');
    ok(jumps.every(({ agent }) => agent === OPTIONS.clockAgent));
    ok(jumps.some(({ clockOffsetMs }) => clockOffsetMs > 60_000));
    ok(jumps.some(({ clockOffsetMs }) => clockOffsetMs < -60_000));
  });
});
