import assert from 'node:assert/strict';
import { AgentTime } from '../../../../src/model/agentTime.ts';
import { NOW, NOW_MS } from '../rows.ts';

describe('AgentTime', () => {
  function timeAt(localMs: () => number): AgentTime {
    return new AgentTime({
      now: localMs,
      monotonic: localMs,
      setTimeout: () => ({ cancel: () => undefined }),
    });
  }

  it("follows the agent's clock, not this machine's", () => {
    let localMs = NOW_MS - 5_000;
    const time = timeAt(() => localMs);
    time.observe(NOW);
    localMs += 2_000;
    assert.equal(time.now(), NOW_MS + 2_000);
  });

  it('is not set back by a row that was made long before it came', () => {
    let localMs = NOW_MS;
    const time = timeAt(() => localMs);
    time.observe(NOW);
    localMs += 60_000;
    time.observe(NOW);
    assert.equal(time.now(), NOW_MS + 60_000);
  });
});
