import assert from 'node:assert/strict';
import { RateMeter } from '../../../../src/model/rateMeter.ts';

describe('RateMeter', () => {
  it('tells nothing before a second has passed', () => {
    const meter = new RateMeter();
    meter.observe('nse', 0, 0);
    meter.observe('nse', 3, 500);
    assert.equal(meter.perSecond('nse', 500), undefined);
  });

  it('tells the rate of the last ten seconds', () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 60; second++) {
      meter.observe('nse', second < 40 ? second * 100 : 4_000 + (second - 40) * 3, second * 1_000);
    }
    assert.equal(meter.perSecond('nse', 60_000), 3);
  });

  it('falls to zero when nothing comes any more', () => {
    const meter = new RateMeter();
    meter.observe('nse', 0, 0);
    meter.observe('nse', 30, 10_000);
    assert.equal(meter.perSecond('nse', 10_000), 3);
    assert.equal(meter.perSecond('nse', 21_000), 0);
  });

  it('begins anew when the counter does', () => {
    const meter = new RateMeter();
    meter.observe('nse', 500, 0);
    meter.observe('nse', 0, 5_000);
    meter.observe('nse', 8, 7_000);
    assert.equal(meter.perSecond('nse', 7_000), 4);
  });
});
