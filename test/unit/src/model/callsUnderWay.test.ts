import assert from 'node:assert/strict';
import { deferred } from '../../../../agent/common/deferred.ts';
import { CallsUnderWay } from '../../../../src/model/callsUnderWay.ts';

describe('calls under way', () => {
  let nowMs = 0;
  const calls = () => {
    nowMs = 1_000;
    return new CallsUnderWay(() => nowMs);
  };

  it('are known from the click until the effect must show', async () => {
    const underWay = calls();
    const answer = deferred<boolean>();
    const running = underWay.run('start', 'nse', () => answer.promise, Boolean);
    nowMs += 400;
    assert.equal(underWay.ageMs('start', 'nse'), 400);
    answer.resolve(true);
    assert.equal(await running, true);
    nowMs += 1_999;
    assert.equal(underWay.ageMs('start', 'nse'), 2_399);
    nowMs += 1;
    assert.equal(underWay.ageMs('start', 'nse'), undefined);
  });

  it('end at once when the answer was no, or none', async () => {
    const underWay = calls();
    await underWay.run('start', 'nse', () => Promise.resolve(false), Boolean);
    assert.equal(underWay.ageMs('start', 'nse'), undefined);
    const failing = underWay.run('start', 'nse', () => Promise.reject(new Error('gone')), Boolean);
    await assert.rejects(failing, /gone/);
    assert.equal(underWay.ageMs('start', 'nse'), undefined);
  });

  it('keep apart what is about others, and end with another action about the same', async () => {
    const underWay = calls();
    const done = () => Promise.resolve(true);
    await underWay.run('start', 'nse', done, Boolean);
    assert.equal(underWay.ageMs('stop', 'nse'), undefined);
    assert.equal(underWay.ageMs('start', 'bse'), undefined);
    await underWay.run('stop', 'nse', done, Boolean);
    assert.equal(underWay.ageMs('start', 'nse'), undefined, 'it may be started again at once');
  });
});
