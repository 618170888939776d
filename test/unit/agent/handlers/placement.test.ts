import assert from 'node:assert/strict';
import fc from 'fast-check';
import { placeRun, recyclePhase } from '../../../../agent/handlers/placement.ts';

describe('placeRun', () => {
  const loads = fc.array(fc.record({ runs: fc.nat(20) }), { maxLength: 6 });

  it('takes a host with the fewest runs, or a new one', () => {
    fc.assert(
      fc.property(loads, fc.integer({ min: 1, max: 6 }), (hosts, maxHosts) => {
        const placed = placeRun(hosts, maxHosts);
        const fewest = Math.min(...hosts.map((host) => host.runs));
        if (placed !== 'new host') assert.equal(placed.runs, fewest);
        else assert.ok(hosts.length === 0 || (hosts.length < maxHosts && fewest > 0));
      }),
    );
  });

  it('starts no host while one is idle', () => {
    const idle = { runs: 0 };
    assert.equal(placeRun([{ runs: 3 }, idle], 4), idle);
  });

  it('starts one more while all are busy, up to the limit', () => {
    const busy = { runs: 1 };
    assert.equal(placeRun([busy], 2), 'new host');
    assert.equal(placeRun([busy], 1), busy);
  });
});

describe('recyclePhase', () => {
  it('is exact for few runs', () => {
    assert.equal(recyclePhase(1, 0, 1), 'replace');
    assert.equal(recyclePhase(1, 60_000, 2), 'keep');
    assert.equal(recyclePhase(50, 0, 50), 'replace');
  });

  it('starts a successor ahead of the end', () => {
    assert.equal(recyclePhase(899, 60_000, 1_000), 'keep');
    assert.equal(recyclePhase(900, 60_000, 1_000), 'prepare');
    assert.equal(recyclePhase(1_000, 60_000, 1_000), 'replace');
  });

  it('lets short runs use a process for longer', () => {
    assert.equal(recyclePhase(5_000, 1_000, 1_000), 'keep');
    assert.equal(recyclePhase(90_000, 9_000, 1_000), 'prepare');
    assert.equal(recyclePhase(100_000, 9_500, 1_000), 'replace');
  });
});
