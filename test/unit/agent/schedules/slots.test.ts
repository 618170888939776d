import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ScheduleConfig } from '../../../../agent/config/schema.ts';
import { latestSlot, nextSlot, ruleOf } from '../../../../agent/schedules/slots.ts';

const every = (ms: number): ScheduleConfig => ({ job: 'tick', every: ms });
const cron = (pattern: string, timezone?: string): ScheduleConfig => ({
  ...{ job: 'tick', cron: pattern },
  ...(timezone === undefined ? {} : { timezone }),
});

const ZONES = ['UTC', 'Asia/Kolkata', 'Asia/Jerusalem', 'America/New_York', 'Pacific/Auckland'];
const PATTERNS = [
  '* * * * *',
  '*/5 * * * *',
  '0 3 * * *',
  '15 9 * * 1-5',
  '0 0 1 * *',
  '*/10 * * * * *',
];

const moment = fc.integer({
  min: Date.parse('2024-01-01T00:00:00Z'),
  max: Date.parse('2030-01-01T00:00:00Z'),
});
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

  it('belong to a rule that names everything they depend on', () => {
    const rules = [
      ...[every(1_000), every(2_000), cron('* * * * *'), cron('0 * * * *')],
      ...ZONES.map((zone) => cron('* * * * *', zone)),
    ].map(ruleOf);
    assert.equal(new Set(rules).size, rules.length);
  });
});
