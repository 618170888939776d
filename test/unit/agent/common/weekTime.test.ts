import assert from 'node:assert/strict';
import { weekTime } from '../../../../agent/common/weekTime.ts';

const NOW_MS = Date.parse('2026-01-31T09:15:00.000Z');

describe('a time of the week', () => {
  it('is that of its time zone, and names the zone', () => {
    const opening = '2026-02-02T03:45:00.000Z';
    assert.equal(weekTime(opening, NOW_MS, 'Asia/Kolkata'), 'Mon 09:15 (Asia/Kolkata)');
    assert.equal(weekTime(opening, NOW_MS, 'America/New_York'), 'Sun 22:45 (America/New_York)');
  });

  it('counts midnight as 00', () => {
    assert.equal(weekTime('2026-02-01T00:00:00.000Z', NOW_MS, 'UTC'), 'Sun 00:00 (UTC)');
  });

  it('has its date when the day alone could mean another week', () => {
    assert.equal(weekTime('2026-02-06T09:14:59.000Z', NOW_MS, 'UTC'), 'Fri 09:14 (UTC)');
    assert.equal(weekTime('2026-02-06T09:15:00.000Z', NOW_MS, 'UTC'), 'Fri 2026-02-06 09:15 (UTC)');
  });

  it('needs no name for the zone of this machine, and leaves alone what is no time', () => {
    assert.match(weekTime('2026-02-02T03:45:00.000Z', NOW_MS), /^[A-Z][a-z]{2} \d\d:\d\d$/);
    assert.equal(weekTime('soon', NOW_MS, 'UTC'), 'soon');
  });
});
