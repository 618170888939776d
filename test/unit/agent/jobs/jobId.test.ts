import assert from 'node:assert/strict';
import fc from 'fast-check';
import { newJobId, scheduleOfJobId, slotJobId } from '../../../../agent/jobs/jobId.ts';

const clockAt = (now: number) => ({
  now: () => now,
  monotonic: () => now,
  setTimeout: () => ({ cancel: () => undefined }),
});

/** BullMQ refuses ids of digits only, and ids with ":". */
function assertFit(id: string): void {
  assert.doesNotMatch(id, /^\d+$/);
  assert.ok(!id.includes(':'), id);
}

describe('job ids', () => {
  it('are fit for BullMQ at any time', () => {
    fc.assert(fc.property(fc.nat(4e12), (now) => assertFit(newJobId(clockAt(now)))));
  });

  it('differ within one millisecond', () => {
    const ids = Array.from({ length: 5_000 }, () => newJobId(clockAt(1_700_000_000_000)));
    assert.equal(new Set(ids).size, ids.length);
  });

  it('sort by age', () => {
    const moment = fc.integer({ min: 1_500_000_000_000, max: 2_500_000_000_000 });
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        fc.pre(a < b);
        assert.ok(newJobId(clockAt(a)) < newJobId(clockAt(b)));
      }),
    );
  });

  const name = fc.oneof(
    fc.string({ minLength: 1, unit: fc.constantFrom('a', ':', '_', '%', '3', 'A', '-') }),
    fc.string({ minLength: 1 }),
  );

  it('of slots are fit for BullMQ whatever the schedule is called', () => {
    fc.assert(fc.property(name, fc.nat(4e12), (of, slot) => assertFit(slotJobId(of, slot))));
  });

  it('of slots are one for each schedule and slot', () => {
    fc.assert(
      fc.property(name, name, fc.nat(99), fc.nat(99), (a, b, x, y) => {
        const equal = a === b && x === y;
        assert.equal(slotJobId(a, x) === slotJobId(b, y), equal);
      }),
      { examples: [['a:b', 'a_b', 1, 1]] },
    );
  });

  it('of slots tell their schedule, other ids none', () => {
    fc.assert(
      fc.property(name, fc.nat(4e12), (of, slot) => {
        assert.equal(scheduleOfJobId(slotJobId(of, slot)), of);
      }),
      {
        examples: [
          ['a-1', 2],
          ['slot-a', 2],
          ['%3A', 2],
          ['a\nb', 2],
        ],
      },
    );
    for (const id of ['slot-', 'slot-1', 'slot-a', 'slot--5', 'my-slot-a-5', newJobId(clockAt(5))])
      assert.equal(scheduleOfJobId(id), null, id);
  });
});
