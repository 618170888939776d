import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatDuration, parseDurationMs } from '../../../../agent/common/duration.ts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

describe('durations', () => {
  it('read an amount with a unit', () => {
    const unit = fc.constantFrom(...(['ms', 's', 'm', 'h', 'd'] as const));
    fc.assert(
      fc.property(fc.nat(100_000), unit, fc.constantFrom('', ' '), (amount, name, gap) => {
        assert.equal(parseDurationMs(`${amount}${gap}${name}`), amount * UNITS[name]);
      }),
    );
  });

  it('read fractions as whole milliseconds', () => {
    assert.equal(parseDurationMs('1.5s'), 1_500);
    assert.equal(parseDurationMs('0.0004s'), 0);
  });

  for (const text of ['', 's', '5', '-5s', '5 sec', '5s5m', '1e3s', '5S', 'ten s', '5.s', '٥s']) {
    it(`know that "${text}" is none`, () => assert.equal(parseDurationMs(text), undefined));
  }

  it('are shown with at most two parts, short, and never negative', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e12, noNaN: true }), (ms) => {
        const text = formatDuration(ms);
        assert.match(text, /^\d+ (ms|s|min|h|d)( \d+ (s|min|h))?$/);
        assert.ok(text.length <= 16, text);
      }),
    );
  });

  it('are shown so that reading the parts gives the time back, to the smaller part', () => {
    const parts = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
    const smaller = { ms: 1, s: 1_000, min: 1_000, h: 60_000, d: 3_600_000 };
    fc.assert(
      fc.property(fc.nat(500_000_000), (ms) => {
        const found = [...formatDuration(ms).matchAll(/(\d+) (ms|s|min|h|d)/g)];
        const sum = found.reduce(
          (total, [, amount, unit]) => total + Number(amount) * factor(unit),
          0,
        );
        const [, , first] = found[0] ?? [];
        assert.ok(sum <= ms && ms - sum < grain(first), `${ms} is not ${formatDuration(ms)}`);
      }),
    );
    function factor(unit: string | undefined): number {
      return Object.entries(parts).find(([name]) => name === unit)?.[1] ?? NaN;
    }
    function grain(unit: string | undefined): number {
      return Object.entries(smaller).find(([name]) => name === unit)?.[1] ?? NaN;
    }
  });

  it('look as people expect', () => {
    const shown = [0, 999, 12_000, 200_000, 7_500_000, 356_400_000].map(formatDuration);
    assert.deepEqual(shown, ['0 ms', '999 ms', '12 s', '3 min 20 s', '2 h 5 min', '4 d 3 h']);
  });
});
