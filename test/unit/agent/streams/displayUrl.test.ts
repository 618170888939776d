import assert from 'node:assert/strict';
import { displayUrl } from '../../../../agent/streams/connection/displayUrl.ts';

describe('the address of a stream, for people', () => {
  it('has no user, password or query', () => {
    const shown = displayUrl('wss://me:secret@feed.example:9443/v2/ticks?token=abc#x');
    assert.equal(shown, 'wss://feed.example:9443/v2/ticks');
    assert.equal(displayUrl('ws://me:secret@[bad/ticks?token=abc'), 'ws://[bad/ticks');
  });
});
