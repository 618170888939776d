import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LagMeter } from '../../../../../agent/streams/pool/lagMeter.ts';

const NOW_MS = Date.parse('2026-01-31T09:15:00.000Z');

const measured = (lagsMs: readonly number[]) => {
  const meter = new LagMeter();
  for (const lagMs of lagsMs) meter.add(NOW_MS - lagMs, NOW_MS);
  return meter.figures(NOW_MS);
};

function assertNear(found: number | undefined, exact: number): void {
  assert.ok(found !== undefined);
  if (exact < 1) assert.equal(found, 0);
  else assert.ok(Math.abs(found - exact) <= exact * 0.03, `${found} for ${exact}`);
}

function exactQuantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
}

describe('the lag of ticks', () => {
  it('is not known without a tick that carries its time', () => {
    const meter = new LagMeter();
    assert.equal(meter.figures(NOW_MS), null);
    const useless = [
      undefined,
      '',
      'soon',
      0,
      -5,
      NaN,
      '2026-01-31T09:15:00',
      '2026-01-31',
      'May 5 2026 Z',
    ];
    for (const ts of useless) meter.add(ts, NOW_MS);
    assert.equal(meter.figures(NOW_MS), null);
  });

  it('is as the exact quantiles tell, within 3 %', () => {
    const lags = fc.array(
      fc.oneof(fc.nat(20), fc.nat(2_000), fc.integer({ min: 0, max: 86_400_000 })),
      { minLength: 1, maxLength: 300 },
    );
    fc.assert(
      fc.property(lags, (lagsMs) => {
        const figures = measured(lagsMs);
        assertNear(figures?.p50, exactQuantile(lagsMs, 0.5));
        assertNear(figures?.p99, exactQuantile(lagsMs, 0.99));
      }),
    );
  });

  const inEachUnit: [string, number | string][] = [
    ['seconds', NOW_MS / 1000 - 5],
    ['milliseconds', NOW_MS - 5_000],
    ['microseconds', (NOW_MS - 5_000) * 1e3],
    ['nanoseconds', (NOW_MS - 5_000) * 1e6],
    ['milliseconds as text', String(NOW_MS - 5_000)],
    ['seconds as text', '1769850895.000'],
    ['an ISO text', '2026-01-31T09:14:55.000Z'],
    ['an ISO text with microseconds', '2026-01-31T09:14:55.000123Z'],
    ['an ISO text of another zone', '2026-01-31T14:44:55+05:30'],
    ['an ISO text with a blank', '2026-01-31 09:14:55Z'],
  ];
  for (const [name, ts] of inEachUnit) {
    it(`is told from ${name}`, () => {
      const meter = new LagMeter();
      meter.add(ts, NOW_MS);
      assertNear(meter.figures(NOW_MS)?.p50, 5_000);
    });
  }

  it('is none when the clock of the feed is ahead', () => {
    assert.deepEqual(measured([-30_000, -1]), { p50: 0, p99: 0 });
  });

  it('is told as a day when it is longer', () => {
    const figures = measured([400 * 86_400_000]);
    assertNear(figures?.p50, 86_400_000);
  });

  it('is that of the last minute', () => {
    const meter = new LagMeter();
    meter.add(NOW_MS - 100, NOW_MS);
    const at = NOW_MS + 50_000;
    for (let count = 0; count < 9; count += 1) meter.add(at - 2_000, at);
    assertNear(meter.figures(at)?.p50, 2_000);
    assertNear(meter.figures(NOW_MS + 59_999)?.p99, 2_000);
    const later = NOW_MS + 60_000;
    assertNear(meter.figures(later)?.p50, 2_000);
    meter.add(later - 7_000, later);
    assertNear(meter.figures(later)?.p99, 7_000);
    assert.equal(meter.figures(NOW_MS + 120_000), null);
  });

  it('counts what came 50 s ago, and forgets what came 60 s ago', () => {
    const meter = new LagMeter();
    meter.add(NOW_MS - 100, NOW_MS);
    assertNear(meter.figures(NOW_MS + 59_999)?.p50, 100);
    assert.equal(meter.figures(NOW_MS + 60_000), null);
  });

  it('outlives a wall clock that is set back', () => {
    const meter = new LagMeter();
    meter.add(NOW_MS - 100, NOW_MS);
    const back = NOW_MS - 3_600_000;
    assert.equal(meter.figures(back), null);
    meter.add(back - 500, back);
    assertNear(meter.figures(back)?.p50, 500);
  });
});
