import assert from 'node:assert/strict';
import { extensionState } from '../../../../src/connection/extensionState.ts';

const around = { hasFolder: true, trusted: true, hasSubject: true, redis: undefined } as const;

describe('extensionState', () => {
  it('says why there is no agent', () => {
    const idle = { kind: 'idle' } as const;
    assert.equal(extensionState(idle, around), 'stopped');
    assert.equal(extensionState(idle, { ...around, hasSubject: false }), 'noConfig');
    assert.equal(extensionState(idle, { ...around, trusted: false }), 'untrusted');
    assert.equal(extensionState(idle, { ...around, hasFolder: false }), 'noFolder');
  });

  it('tells a running agent without Redis from one with it', () => {
    const connected = { kind: 'connected' } as const;
    assert.equal(extensionState(connected, { ...around, redis: 'connected' }), 'running');
    assert.equal(
      extensionState(connected, { ...around, redis: 'unreachable' }),
      'redisUnreachable',
    );
  });

  it('tells a missing Redis from other failures', () => {
    const failed = (kind: 'redisMissing' | 'badConfig') =>
      ({ kind: 'failed', problem: { kind, message: '' } }) as const;
    assert.equal(extensionState(failed('redisMissing'), around), 'redisUnreachable');
    assert.equal(extensionState(failed('badConfig'), around), 'failed');
  });
});
