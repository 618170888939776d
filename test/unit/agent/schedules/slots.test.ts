import assert from 'node:assert/strict';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import type { ScheduleConfig } from '../../../../agent/config/schema.ts';
import { ruleOf, slotsOf } from '../../../../agent/schedules/slots.ts';

const every = (ms: number): ScheduleConfig => ({ job: 'tick', every: ms });
const cron = (pattern: string, timezone?: string): ScheduleConfig => ({
  ...{ job: 'tick', cron: pattern },
  ...(timezone === undefined ? {} : { timezone }),
});

const latestSlot = (rule: ScheduleConfig, nowMs: number) => slotsOf(rule).latest(nowMs);
const nextSlot = (rule: ScheduleConfig, nowMs: number) => slotsOf(rule).next(nowMs);

const ZONES = [
  ...['UTC', 'Asia/Kolkata', 'Asia/Jerusalem', 'America/New_York', 'Pacific/Auckland'],
  // Half an hour, and clocks that go from midnight back to 23:00.
  ...['Australia/Lord_Howe', 'America/Santiago'],
];
/** Near clock changes of these zones: where mistakes are. */
const CHANGES = [
  ...['2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z', '2026-03-27T00:00:00Z'],
  ...['2026-10-24T23:00:00Z', '2026-10-03T15:30:00Z', '2026-04-04T15:00:00Z'],
  ...['2026-09-06T04:00:00Z', '2026-04-05T03:00:00Z', '2026-09-26T14:00:00Z'],
].map((text) => Date.parse(text));
const PATTERNS = [
  '* * * * *',
  '*/5 * * * *',
  '0 3 * * *',
  '15 9 * * 1-5',
  '0 0 1 * *',
  '*/10 * * * * *',
  ...['30 2 * * *', '10,35 1-2 * * *', '0 */2 * * *', '*/20 23 * * *', '0 0 29 2 *'],
];

const moment = fc.oneof(
  fc.integer({
    min: Date.parse('2024-01-01T00:00:00Z'),
    max: Date.parse('2030-01-01T00:00:00Z'),
  }),
  fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -3 * 3_600_000, max: 3 * 3_600_000 }))
    .map(([change, offset]) => change + offset),
);
const schedule = fc.oneof(
  fc.integer({ min: 1_000, max: 40 * 86_400_000 }).map(every),
  fc.tuple(fc.constantFrom(...PATTERNS), fc.constantFrom(...ZONES)).map(([p, z]) => cron(p, z)),
);

const iso = (ms: number) => new Date(ms).toISOString();
const at = (text: string) => Date.parse(text);

describe('slots', () => {
  it('surround every moment: the latest is due, the next is not', () => {
    fc.assert(
      fc.property(schedule, moment, (rule, now) => {
        const latest = latestSlot(rule, now);
        const next = nextSlot(rule, now);
        assert.ok(latest <= now, `${iso(latest)} <= ${iso(now)}`);
        assert.ok(now < next, `${iso(now)} < ${iso(next)}`);
      }),
    );
  });

  it('follow each other without a hole', () => {
    fc.assert(
      fc.property(schedule, moment, (rule, now) => {
        const next = nextSlot(rule, now);
        assert.equal(latestSlot(rule, next), next, 'due from its first millisecond on');
        assert.equal(latestSlot(rule, next - 1), latestSlot(rule, now));
        assert.equal(nextSlot(rule, next - 1), next);
      }),
    );
  });

  it('do not depend on who asks: each process finds the same ones', () => {
    assert.equal(
      iso(latestSlot(every(90_000), at('2026-01-01T00:01:40Z'))),
      '2026-01-01T00:01:30.000Z',
    );
  });

  it('of a cron pattern are told in its time zone', () => {
    const rule = cron('0 3 * * *', 'Asia/Kolkata');
    assert.equal(iso(nextSlot(rule, at('2026-01-01T00:00:00Z'))), '2026-01-01T21:30:00.000Z');
  });

  it('are each seen once between any two looks, however far apart', () => {
    const look = fc.integer({ min: 1, max: 4 * 3_600_000 });
    fc.assert(
      fc.property(schedule, moment, fc.array(look, { maxLength: 4 }), (rule, from, pauses) => {
        const slots = slotsOf(rule);
        const seen: number[] = [];
        let lastMs = from;
        for (const pauseMs of pauses) {
          const nowMs = lastMs + pauseMs;
          for (let at = slots.next(lastMs); at <= nowMs && seen.length < 40; at = slots.next(at))
            seen.push(at);
          if (seen.length >= 40) return;
          lastMs = nowMs;
        }
        const all: number[] = [];
        for (let at = slots.latest(lastMs); at > from; at = slots.latest(at - 1)) all.unshift(at);
        assert.deepEqual(seen.map(iso), all.map(iso));
        assert.equal(slots.count(from, lastMs, 1_000), seen.length);
      }),
      { numRuns: 60 },
    );
  });

  it('come as BullMQ counts them, on days without a clock change', () => {
    const pattern = fc.constantFrom(
      ...PATTERNS,
      '0 9 L * *',
      '0 9 * * 1#2',
      '@weekly',
      '5 4 3 2 *',
    );
    fc.assert(
      fc.property(pattern, fc.constantFrom('UTC', 'Asia/Kolkata'), moment, (text, tz, now) => {
        const bullmq = CronExpressionParser.parse(text, { tz, currentDate: new Date(now) });
        assert.equal(iso(nextSlot(cron(text, tz), now)), iso(bullmq.next().getTime()));
      }),
    );
  });

  it('run daily through the days on which clocks change', () => {
    const rule = cron('0 3 * * *', 'Asia/Jerusalem');
    const found: string[] = [];
    for (let now = at('2026-03-25T12:00:00Z'); found.length < 4;) {
      now = nextSlot(rule, now);
      found.push(iso(now));
    }
    // On the 27th clocks go from 02:00 to 03:00 there.
    assert.deepEqual(found, [
      ...['2026-03-26T01:00:00.000Z', '2026-03-27T00:00:00.000Z'],
      ...['2026-03-28T00:00:00.000Z', '2026-03-29T00:00:00.000Z'],
    ]);
  });

  it('that fall into the hour that a clock change leaves out come once that day', () => {
    const rule = cron('30 2 * * *', 'America/New_York');
    const from = at('2026-03-08T05:00:00Z');
    const first = nextSlot(rule, from);
    const second = nextSlot(rule, first);
    assert.ok(first - from < 24 * 3_600_000, iso(first));
    assert.equal(iso(second), '2026-03-09T06:30:00.000Z');
  });

  it('that fall into the hour that a clock change repeats come once that day', () => {
    const rule = cron('30 1 * * *', 'America/New_York');
    const first = nextSlot(rule, at('2026-11-01T04:00:00Z'));
    const second = nextSlot(rule, first);
    assert.equal(iso(second), '2026-11-02T06:30:00.000Z', `after ${iso(first)}`);
  });

  const CHANGED_DAYS: [what: string, rule: ScheduleConfig, from: string, slots: string[]][] = [
    [
      'daily in the hour left out: as much later as clocks are put forward (New York)',
      cron('30 2 * * *', 'America/New_York'),
      '2026-03-07T12:00Z',
      ['2026-03-08T07:30Z', '2026-03-09T06:30Z'],
    ],
    [
      'daily in the hour left out (Jerusalem)',
      cron('30 2 * * *', 'Asia/Jerusalem'),
      '2026-03-26T12:00Z',
      ['2026-03-27T00:30Z', '2026-03-27T23:30Z'],
    ],
    [
      'daily in the hour that comes twice: the first of both (New York)',
      cron('30 1 * * *', 'America/New_York'),
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
    ],
    [
      'daily in the hour that comes twice (Jerusalem)',
      cron('30 1 * * *', 'Asia/Jerusalem'),
      '2026-10-24T12:00Z',
      ['2026-10-24T22:30Z', '2026-10-25T23:30Z'],
    ],
    [
      'hourly over the hour left out: follows real time (New York)',
      cron('0 * * * *', 'America/New_York'),
      '2026-03-08T05:30Z',
      ['2026-03-08T06:00Z', '2026-03-08T07:00Z', '2026-03-08T08:00Z'],
    ],
    [
      'hourly over the hour that comes twice: both (Jerusalem)',
      cron('30 * * * *', 'Asia/Jerusalem'),
      '2026-10-24T21:45Z',
      ['2026-10-24T22:30Z', '2026-10-24T23:30Z', '2026-10-25T00:30Z'],
    ],
    [
      "each second hour over the hour left out: three o'clock stands for two",
      cron('0 */2 * * *', 'America/New_York'),
      '2026-03-08T04:30Z',
      ['2026-03-08T05:00Z', '2026-03-08T07:00Z', '2026-03-08T08:00Z'],
    ],
    [
      'at half an hour that is left out: in the order of time',
      cron('10,35 2 * * *', 'Australia/Lord_Howe'),
      '2026-10-03T00:00Z',
      ['2026-10-03T15:35Z', '2026-10-03T15:40Z', '2026-10-04T15:10Z'],
    ],
    [
      'hourly at the end of a day that is an hour longer',
      cron('30 * * * *', 'America/Santiago'),
      '2026-04-05T02:00Z',
      ['2026-04-05T02:30Z', '2026-04-05T03:30Z', '2026-04-05T04:30Z'],
    ],
    [
      'at an interval: no clock change concerns it',
      { ...every(3_600_000), timezone: 'America/New_York' },
      '2026-03-08T05:30Z',
      ['2026-03-08T06:00Z', '2026-03-08T07:00Z', '2026-03-08T08:00Z'],
    ],
  ];
  for (const [what, rule, from, expected] of CHANGED_DAYS) {
    it(`when clocks change: ${what}`, () => {
      const slots = slotsOf(rule);
      const found: number[] = [];
      for (let now = at(from); found.length < expected.length;) found.push((now = slots.next(now)));
      assert.deepEqual(found.map(iso), expected.map(at).map(iso));
      for (const [index, slot] of found.entries()) {
        if (index > 0) assert.equal(iso(slots.latest(slot - 1)), iso(found[index - 1] ?? NaN));
      }
    });
  }

  it('of a dynamic interval follow the last one, and the same ones for everybody', () => {
    const rule: ScheduleConfig = { job: 'tick', every: { min: 1_000, max: 9_000 } };
    const slots = slotsOf(rule, { slot: 10_500, interval: 4_000 });
    assert.deepEqual(
      [slots.next(10_500), slots.next(14_499), slots.next(14_500)],
      [14_500, 14_500, 18_500],
    );
    assert.deepEqual([slots.latest(14_499), slots.latest(14_500)], [10_500, 14_500]);
    assert.equal(slots.count(10_500, 22_500, 100), 3);
    assert.equal(
      slotsOf(rule).latest(7_900),
      7_000,
      'before the first one: multiples of the least',
    );
  });

  it('belong to a rule that names everything they depend on', () => {
    const rules = [
      ...[every(1_000), every(2_000), cron('* * * * *'), cron('0 * * * *')],
      ...ZONES.map((zone) => cron('* * * * *', zone)),
    ].map(ruleOf);
    assert.equal(new Set(rules).size, rules.length);
  });
});
