import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HoursWatch } from '../../../../../agent/streams/hours/hoursWatch.ts';
import { hoursAt, type StreamHours } from '../../../../../agent/streams/hours/marketHours.ts';

const HOURS: StreamHours = {
  ...{ timezone: 'America/New_York', open: '09:30', close: '16:00', days: ['mon', 'tue'] },
  holidays: ['2026-03-09'],
};
const FROM_MS = Date.parse('2026-03-01T00:00:00Z');

describe('a watch of market hours', () => {
  it('tells what the hours tell, whichever moments it is asked for', () => {
    const moments = fc.array(fc.nat(30 * 86_400).map((seconds) => FROM_MS + seconds * 1_000));
    fc.assert(
      fc.property(moments, (all) => {
        const watch = new HoursWatch(HOURS);
        for (const nowMs of all) assert.deepEqual(watch.at(nowMs), hoursAt(HOURS, nowMs));
      }),
      { numRuns: 30 },
    );
  });

  it('remembers its answer until it ends', () => {
    const watch = new HoursWatch(HOURS);
    const first = watch.at(FROM_MS);
    assert.ok(first.untilMs !== null);
    assert.equal(watch.at(first.untilMs - 1), first);
    assert.notEqual(watch.at(first.untilMs), first);
  });

  it('looks again for an opening each day', () => {
    const holidays = Array.from({ length: 500 }, (_, day) =>
      new Date(FROM_MS + day * 86_400_000).toISOString().slice(0, 10),
    );
    const watch = new HoursWatch({ ...HOURS, holidays: holidays });
    assert.deepEqual(watch.at(FROM_MS), { open: false, untilMs: null });
    const later = FROM_MS + 110 * 86_400_000;
    assert.notEqual(watch.at(later).untilMs, null);
  });
});
