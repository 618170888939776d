import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hoursAt, type StreamHours } from '../../../../../agent/streams/hours/marketHours.ts';

const WEEK: StreamHours['days'] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const WORKDAYS = WEEK.slice(0, 5);
const YEAR_2026_MS = Date.parse('2026-01-01T00:00:00Z');
const DAY_MS = 86_400_000;

const hours = (facts: Partial<StreamHours>): StreamHours => ({
  ...{ timezone: 'America/New_York', open: '09:30', close: '16:00', days: WORKDAYS, holidays: [] },
  ...facts,
});

const INDIA = hours({ timezone: 'Asia/Kolkata', open: '09:15', close: '15:30' });

const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

/** `open until 2026-…` or `closed until 2026-…`, as it is at that moment. */
function told(rule: StreamHours, moment: string): string {
  const { open, untilMs } = hoursAt(rule, at(moment));
  return `${open ? 'open' : 'closed'} until ${untilMs === null ? 'ever' : iso(untilMs)}`;
}

/** Every session of some days, `2026-03-06T14:30:00Z/2026-03-06T21:00:00Z`. */
function sessions(rule: StreamHours, from: string, count: number): string[] {
  const found: string[] = [];
  let now = at(from);
  while (found.length < count) {
    const state = hoursAt(rule, now);
    if (state.untilMs === null) break;
    if (state.open) found.push(`${iso(now)}/${iso(state.untilMs)}`);
    now = state.untilMs;
  }
  return found;
}

describe('market hours', () => {
  it('tell whether it is open, and until when', () => {
    assert.equal(told(INDIA, '2026-01-05T03:44:59.999Z'), 'closed until 2026-01-05T03:45:00Z');
    assert.equal(told(INDIA, '2026-01-05T03:45:00Z'), 'open until 2026-01-05T10:00:00Z');
    assert.equal(told(INDIA, '2026-01-05T09:59:59.999Z'), 'open until 2026-01-05T10:00:00Z');
    assert.equal(told(INDIA, '2026-01-05T10:00:00Z'), 'closed until 2026-01-06T03:45:00Z');
  });

  it('go over a weekend', () => {
    assert.equal(told(INDIA, '2026-01-09T10:00:00Z'), 'closed until 2026-01-12T03:45:00Z');
  });

  it('leave out holidays, by the local date', () => {
    const rule = { ...INDIA, holidays: ['2026-01-26', '2026-01-27'] };
    assert.equal(told(rule, '2026-01-25T20:00:00Z'), 'closed until 2026-01-28T03:45:00Z');
    assert.equal(told(rule, '2026-01-26T05:00:00Z'), 'closed until 2026-01-28T03:45:00Z');
  });

  describe('when clocks change', () => {
    it('in New York in spring: the Monday opens an hour earlier by UTC', () => {
      assert.deepEqual(sessions(hours({}), '2026-03-06T00:00:00Z', 2), [
        '2026-03-06T14:30:00Z/2026-03-06T21:00:00Z',
        '2026-03-09T13:30:00Z/2026-03-09T20:00:00Z',
      ]);
    });

    it('in New York in autumn: the Monday opens an hour later by UTC', () => {
      assert.deepEqual(sessions(hours({}), '2026-10-30T00:00:00Z', 2), [
        '2026-10-30T13:30:00Z/2026-10-30T20:00:00Z',
        '2026-11-02T14:30:00Z/2026-11-02T21:00:00Z',
      ]);
    });

    it('in Berlin, on other days than in New York', () => {
      const rule = hours({ timezone: 'Europe/Berlin', open: '09:00', close: '17:30' });
      assert.deepEqual(sessions(rule, '2026-03-27T00:00:00Z', 2), [
        '2026-03-27T08:00:00Z/2026-03-27T16:30:00Z',
        '2026-03-30T07:00:00Z/2026-03-30T15:30:00Z',
      ]);
      assert.deepEqual(sessions(rule, '2026-10-23T00:00:00Z', 2), [
        '2026-10-23T07:00:00Z/2026-10-23T15:30:00Z',
        '2026-10-26T08:00:00Z/2026-10-26T16:30:00Z',
      ]);
    });

    it('on Lord Howe by half an hour', () => {
      const rule = hours({ timezone: 'Australia/Lord_Howe', open: '10:00', close: '16:00' });
      assert.deepEqual(sessions(rule, '2026-04-02T12:00:00Z', 2), [
        '2026-04-02T23:00:00Z/2026-04-03T05:00:00Z',
        '2026-04-05T23:30:00Z/2026-04-06T05:30:00Z',
      ]);
      assert.deepEqual(sessions(rule, '2026-10-01T12:00:00Z', 2), [
        '2026-10-01T23:30:00Z/2026-10-02T05:30:00Z',
        '2026-10-04T23:00:00Z/2026-10-05T05:00:00Z',
      ]);
    });

    it('nowhere in India', () => {
      const all = sessions({ ...INDIA, days: WEEK }, '2026-01-01T00:00:00Z', 120);
      assert.ok(all.every((one) => one.includes('T03:45:00Z/') && one.endsWith('T10:00:00Z')));
    });

    it('an opening that is left out is the first moment after the gap', () => {
      const rule = hours({ days: ['sun'], open: '02:30', close: '04:00' });
      assert.deepEqual(sessions(rule, '2026-03-08T00:00:00Z', 1), [
        '2026-03-08T07:00:00Z/2026-03-08T08:00:00Z',
      ]);
      const odd = { ...rule, open: '02:07', close: '04:00' };
      assert.equal(told(odd, '2026-03-08T05:00:00Z'), 'closed until 2026-03-08T07:00:00Z');
      const lordHowe = { ...rule, timezone: 'Australia/Lord_Howe', open: '02:15' };
      assert.deepEqual(sessions(lordHowe, '2026-10-03T12:00:00Z', 1), [
        '2026-10-03T15:30:00Z/2026-10-03T17:00:00Z',
      ]);
    });

    it('a closing that is left out is the first moment after the gap', () => {
      const rule = hours({ days: ['sun'], open: '01:00', close: '02:30' });
      assert.deepEqual(sessions(rule, '2026-03-08T00:00:00Z', 1), [
        '2026-03-08T06:00:00Z/2026-03-08T07:00:00Z',
      ]);
    });

    it('a session that is left out as a whole does not take place', () => {
      const rule = hours({ days: ['sun'], open: '02:10', close: '02:50' });
      assert.equal(told(rule, '2026-03-08T00:00:00Z'), 'closed until 2026-03-15T06:10:00Z');
      assert.deepEqual(sessions(rule, '2026-03-08T00:00:00Z', 1), [
        '2026-03-15T06:10:00Z/2026-03-15T06:50:00Z',
      ]);
    });

    it('of what comes twice, it opens at the first and closes at the second', () => {
      const rule = hours({ days: ['sun'], open: '01:15', close: '01:45' });
      assert.deepEqual(sessions(rule, '2026-11-01T00:00:00Z', 1), [
        '2026-11-01T05:15:00Z/2026-11-01T06:45:00Z',
      ]);
    });

    it('a night over the change is an hour shorter or longer', () => {
      const rule = hours({ days: ['sat'], open: '18:00', close: '06:00' });
      assert.deepEqual(sessions(rule, '2026-03-07T12:00:00Z', 1), [
        '2026-03-07T23:00:00Z/2026-03-08T10:00:00Z',
      ]);
      assert.deepEqual(sessions(rule, '2026-10-31T12:00:00Z', 1), [
        '2026-10-31T22:00:00Z/2026-11-01T11:00:00Z',
      ]);
    });

    it('a day of 24 hours by the wall clock may last 23 or 25', () => {
      const rule = hours({ days: ['sun'], open: '00:00', close: '00:00' });
      assert.deepEqual(sessions(rule, '2026-03-08T00:00:00Z', 1), [
        '2026-03-08T05:00:00Z/2026-03-09T04:00:00Z',
      ]);
      assert.deepEqual(sessions(rule, '2026-11-01T00:00:00Z', 1), [
        '2026-11-01T04:00:00Z/2026-11-02T05:00:00Z',
      ]);
    });

    it('sessions that the repeated hour pushes into each other are one', () => {
      const rule = hours({ days: ['sat', 'sun'], open: '01:45', close: '01:30' });
      assert.deepEqual(sessions(rule, '2026-10-31T02:00:00Z', 1), [
        '2026-10-31T05:45:00Z/2026-11-02T06:30:00Z',
      ]);
    });
  });

  describe('over midnight', () => {
    const night = hours({ timezone: 'America/Chicago', open: '17:00', close: '16:00' });
    const sunday: StreamHours = { ...night, days: ['sun', 'mon', 'tue', 'wed', 'thu'] };

    it('belong to the day of the opening', () => {
      // Friday 15:59 is of the session that opened on Thursday; Friday itself opens none.
      assert.equal(told(sunday, '2026-01-09T21:59:00Z'), 'open until 2026-01-09T22:00:00Z');
      assert.equal(told(sunday, '2026-01-09T22:00:00Z'), 'closed until 2026-01-11T23:00:00Z');
    });

    it('a holiday leaves out the session that opens on it, not the one that ends on it', () => {
      const rule = { ...sunday, holidays: ['2026-01-07'] };
      assert.equal(told(rule, '2026-01-07T12:00:00Z'), 'open until 2026-01-07T22:00:00Z');
      assert.equal(told(rule, '2026-01-07T23:30:00Z'), 'closed until 2026-01-08T23:00:00Z');
    });

    it('close at midnight', () => {
      const rule = { ...INDIA, open: '09:00', close: '00:00' };
      assert.equal(told(rule, '2026-01-05T18:29:59Z'), 'open until 2026-01-05T18:30:00Z');
    });
  });

  it('that open and close at one time last whole days, and days in a row are one', () => {
    const rule = hours({
      timezone: 'UTC',
      open: '17:00',
      close: '17:00',
      days: ['mon', 'tue', 'thu'],
    });
    assert.deepEqual(sessions(rule, '2026-01-04T00:00:00Z', 2), [
      '2026-01-05T17:00:00Z/2026-01-07T17:00:00Z',
      '2026-01-08T17:00:00Z/2026-01-09T17:00:00Z',
    ]);
  });

  it('that never end are open until a time beyond a year', () => {
    const rule = hours({ open: '00:00', close: '00:00', days: WEEK });
    for (const moment of ['2026-03-08T06:59:59.999Z', '2026-11-01T06:00:00Z']) {
      const state = hoursAt(rule, at(moment));
      assert.ok(state.open && state.untilMs > at(moment) + 366 * DAY_MS);
    }
  });

  it('without a day to open on have no end in sight', () => {
    const holidays = daysFrom('2026-01-01', 3 * 365);
    assert.equal(told({ ...INDIA, holidays }, '2026-01-05T05:00:00Z'), 'closed until ever');
    const after = { ...INDIA, holidays: holidays.slice(0, 365) };
    assert.equal(told(after, '2026-01-05T05:00:00Z'), 'closed until 2027-01-01T03:45:00Z');
  });

  it('take a long list of holidays', () => {
    const holidays = daysFrom('1990-01-01', 20_000).filter((day) => !day.startsWith('2026-07'));
    assert.equal(
      told({ ...INDIA, holidays }, '2026-01-05T05:00:00Z'),
      'closed until 2026-07-01T03:45:00Z',
    );
  });

  it('are known before 1970, too', () => {
    assert.equal(told(hours({}), '1969-07-21T15:00:00Z'), 'open until 1969-07-21T20:00:00Z');
  });

  it('refuse a time zone that is none', () => {
    assert.throws(() => hoursAt(hours({ timezone: 'Mars/Olympus' }), 0), RangeError);
  });

  it('step through a year: what is told is exactly the next change', () => {
    fc.assert(
      fc.property(anyHours, (rule) => {
        let now = YEAR_2026_MS;
        for (let step = 0; step < 24; step += 1) {
          const state = hoursAt(rule, now);
          if (state.untilMs === null) return;
          assert.ok(state.untilMs > now, 'it goes on');
          if (state.open && state.untilMs > now + 366 * DAY_MS) return;
          const middle = now + Math.floor((state.untilMs - now) / 2);
          assert.deepEqual(hoursAt(rule, middle), state, `in between, ${iso(middle)}`);
          assert.deepEqual(hoursAt(rule, state.untilMs - 1), state, 'a moment before');
          assert.equal(hoursAt(rule, state.untilMs).open, !state.open, iso(state.untilMs));
          // Goes through a year in uneven steps, so that both clock changes are met.
          now = step % 4 === 3 ? state.untilMs + 60 * DAY_MS : state.untilMs;
        }
      }),
      { numRuns: 25 },
    );
  });

  it('agree with the clock on the wall, where no change is near', () => {
    const moment = fc
      .integer({ min: 0, max: 2 * 365 * 24 * 60 })
      .map((m) => YEAR_2026_MS + m * 60_000);
    fc.assert(
      fc.property(anyHours, moment, (rule, now) => {
        const offsets = [-3, 0, 3].map(
          (days) => wallOf(rule.timezone, now + days * DAY_MS) - now - days * DAY_MS,
        );
        fc.pre(new Set(offsets).size === 1);
        assert.equal(hoursAt(rule, now).open, isOpenByWall(rule, wallOf(rule.timezone, now)));
      }),
      { numRuns: 250 },
    );
  });
});

const minute = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 1, 15, 30, 59))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));

const anyHours: fc.Arbitrary<StreamHours> = fc.record({
  timezone: fc.constantFrom(
    ...['America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe'],
    ...['UTC', 'Asia/Kathmandu', 'America/Havana', 'Pacific/Auckland', 'America/St_Johns'],
  ),
  open: minute,
  close: minute,
  days: fc.subarray(WEEK, { minLength: 1 }),
  holidays: fc.subarray(daysFrom('2026-01-01', 365), { maxLength: 40 }),
});

function daysFrom(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(first) + index * DAY_MS).toISOString().slice(0, 10),
  );
}

/** What the wall shows, written as if it were UTC. By another way than the code under test. */
function wallOf(timeZone: string, ms: number): number {
  return Date.parse(`${new Date(ms).toLocaleString('sv-SE', { timeZone }).replace(' ', 'T')}Z`);
}

/** Straight from the words of the config: the session of today, or the rest of yesterday's. */
function isOpenByWall(rule: StreamHours, wallMs: number): boolean {
  const time = new Date(wallMs).toISOString().slice(11, 16);
  const opens = (ms: number) => {
    const text = new Date(ms).toISOString();
    const weekday = WEEK[(new Date(ms).getUTCDay() + 6) % 7] ?? 'mon';
    return rule.days.includes(weekday) && !rule.holidays.includes(text.slice(0, 10));
  };
  if (rule.open < rule.close) return opens(wallMs) && rule.open <= time && time < rule.close;
  return (opens(wallMs) && rule.open <= time) || (opens(wallMs - DAY_MS) && time < rule.close);
}
