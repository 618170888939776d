import assert from 'node:assert/strict';
import fc from 'fast-check';
import { agentMessage, hostMessage, parseBatch } from '../../../../agent/handlers/hostProtocol.ts';

describe('parseBatch', () => {
  it('never throws, whatever a handler sends', () => {
    fc.assert(
      fc.property(fc.anything(), (received) => {
        const { messages } = parseBatch(hostMessage, received);
        assert.ok(messages.length <= (Array.isArray(received) ? received.length : 0));
      }),
    );
  });

  it('takes what it knows, in order, and counts the rest', () => {
    const parsed = parseBatch(hostMessage, [
      { kind: 'log', run: 1, line: 'a' },
      { kind: 'log', run: 'one', line: 'b' },
      { kind: 'sing' },
      { kind: 'result', run: 2, value: null },
    ]);
    assert.equal(parsed.ignored, 2);
    assert.deepEqual(parsed.messages, [
      { kind: 'log', run: 1, line: 'a' },
      { kind: 'result', run: 2, value: null },
    ]);
  });

  it('refuses a result without a value', () => {
    assert.equal(parseBatch(hostMessage, [{ kind: 'result', run: 2 }]).ignored, 1);
  });

  it('takes a run whose data are null', () => {
    const run = { kind: 'run', run: 1, jobId: 'j', queue: 'q', type: 't', data: null } as const;
    const rest = { attempt: 1, fence: 2, isReplay: false, enqueuedAtMs: 3, asks: 'run' };
    assert.deepEqual(parseBatch(agentMessage, [{ ...run, ...rest }]), {
      messages: [{ ...run, ...rest }],
      ignored: 0,
    });
  });
});
